"""Who may see and do what in the centre: accounts, sessions, API tokens, and the audit log."""
