package org.banyan.testing.axis;

/** The fault that the contract declares: nobody has that number. */
public class UnknownResident extends Exception {
    private static final long serialVersionUID = 1L;

    private String id;

    public UnknownResident() {
    }

    UnknownResident(String id) {
        // Its stack is not the same twice.
        super("nobody has this number", null, false, false);
        this.id = id;
    }

    public String getId() {
        return id;
    }

    public void setId(String id) {
        this.id = id;
    }
}
