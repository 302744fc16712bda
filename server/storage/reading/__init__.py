"""The contract between whoever shows and any store: plain values, questions and their promises.

Every time is aware and in UTC. Every text is text, to be shown as such: cameras wrote it.
Questions read only. They raise QuestionInvalid where they are asked wrongly, TookTooLong where the
answer did not come in time, StorageUnavailable where nothing can be read now.
"""
