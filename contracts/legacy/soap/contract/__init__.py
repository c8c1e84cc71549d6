"""What a SOAP service has agreed to: its WSDL, the schemas that it imports, and what of it will hurt."""
