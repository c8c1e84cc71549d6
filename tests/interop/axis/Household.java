package org.banyan.testing.axis;

/** A household that residents share; its head is one of them, so that each of them holds itself. */
public class Household {
    private String city;
    private Resident head;

    public String getCity() {
        return city;
    }

    public void setCity(String city) {
        this.city = city;
    }

    public Resident getHead() {
        return head;
    }

    public void setHead(Resident head) {
        this.head = head;
    }
}
