"""What people see: tables, details, the live list, the picker, logs, the reports of add and remove."""
