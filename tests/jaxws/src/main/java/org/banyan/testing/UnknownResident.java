package org.banyan.testing;

import jakarta.xml.ws.WebFault;

/** The fault that the contract declares: nobody has that number. */
@WebFault(name = "UnknownResident", targetNamespace = Registry.NAMESPACE)
public final class UnknownResident extends Exception {
    private static final long serialVersionUID = 1L;

    private final String id;

    UnknownResident(String id) {
        super("nobody has this number");
        this.id = id;
    }

    public String getId() {
        return id;
    }
}
