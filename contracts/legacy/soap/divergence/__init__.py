"""Whether two SOAP replies say the same: compared by the types of their contract, differences gathered in classes."""
