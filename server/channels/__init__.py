"""Where alerts are told: webhooks, mail and phones, each alert once, tried for a day."""
