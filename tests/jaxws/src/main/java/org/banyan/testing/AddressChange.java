package org.banyan.testing;

import jakarta.xml.bind.annotation.XmlAccessType;
import jakarta.xml.bind.annotation.XmlAccessorType;
import jakarta.xml.bind.annotation.XmlElement;
import jakarta.xml.bind.annotation.XmlSchemaType;
import jakarta.xml.bind.annotation.XmlType;
import java.math.BigDecimal;
import javax.xml.datatype.XMLGregorianCalendar;

/** What the registry understood of a change. */
@XmlAccessorType(XmlAccessType.FIELD)
@XmlType(propOrder = {"id", "address", "accepted", "fee", "validFrom"})
public class AddressChange {
    @XmlElement(required = true)
    public String id;
    public String address;
    public boolean accepted;
    public BigDecimal fee;
    @XmlSchemaType(name = "date")
    public XMLGregorianCalendar validFrom;
}
