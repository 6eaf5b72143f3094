"""Sessions on other machines. Fabric drives several hosts at once, the OpenSSH client carries every byte."""
