"""Series: tables with a time → a regular timeline → windows of the past and of what comes next."""
