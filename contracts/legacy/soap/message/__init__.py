"""Messages of a SOAP service, read by its contract: typed, tolerant, and with a record of every tolerance."""
