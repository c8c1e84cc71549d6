package org.banyan.testing;

import jakarta.xml.bind.annotation.XmlAccessType;
import jakarta.xml.bind.annotation.XmlAccessorType;
import jakarta.xml.bind.annotation.XmlElement;
import jakarta.xml.bind.annotation.XmlType;
import javax.xml.datatype.XMLGregorianCalendar;

/** One entry of the registry, as JAXB writes it. */
@XmlAccessorType(XmlAccessType.FIELD)
@XmlType(propOrder = {"id", "name", "street", "city", "born", "status", "lastModified"})
public class Resident {
    @XmlElement(required = true)
    public String id;
    public String name;
    public String street;
    public String city;
    @XmlElement(nillable = true)
    public XMLGregorianCalendar born;
    public String status;
    @XmlElement(required = true)
    public XMLGregorianCalendar lastModified;
}
