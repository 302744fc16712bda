"""What the pages of both programs have to check of whoever knocks. Decides; knows no page."""
