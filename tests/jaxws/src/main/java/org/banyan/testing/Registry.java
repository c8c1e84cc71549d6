package org.banyan.testing;

import jakarta.jws.WebMethod;
import jakarta.jws.WebParam;
import jakarta.jws.WebResult;
import jakarta.jws.WebService;
import jakarta.xml.soap.SOAPConstants;
import jakarta.xml.soap.SOAPException;
import jakarta.xml.soap.SOAPFactory;
import jakarta.xml.ws.RequestWrapper;
import jakarta.xml.ws.ResponseWrapper;
import jakarta.xml.ws.soap.SOAPFaultException;
import java.util.List;
import javax.xml.datatype.XMLGregorianCalendar;

/** The SOAP service, code first: the contract is what JAX-WS makes of it. */
@WebService(name = "ResidentRegistry", serviceName = "ResidentRegistry", targetNamespace = Registry.NAMESPACE)
public class Registry {
    static final String NAMESPACE = "urn:banyan:testing:registry";

    private final Store store;

    Registry(Store store) {
        this.store = store;
    }

    /** Lists the residents modified at or after a point in time, or all. */
    @WebMethod(operationName = "ListResidents", action = "urn:list")
    @RequestWrapper(localName = "ListResidents", targetNamespace = NAMESPACE)
    @ResponseWrapper(localName = "ListResidentsResponse", targetNamespace = NAMESPACE)
    @WebResult(name = "resident")
    public List<Resident> listResidents(@WebParam(name = "modifiedSince") XMLGregorianCalendar modifiedSince)
            throws SOAPException {
        String failure = store.failure();
        if (failure.equals("Server")) {
            throw new IllegalStateException("the database is closed");
        }
        if (failure.equals("Client")) {
            throw new SOAPFaultException(SOAPFactory.newInstance(SOAPConstants.SOAP_1_1_PROTOCOL)
                    .createFault("not like this", new javax.xml.namespace.QName(
                            SOAPConstants.URI_NS_SOAP_1_1_ENVELOPE, "Client")));
        }
        return store.modified(modifiedSince);
    }

    /** Returns one resident; one whose status is `broken` can't be read. */
    @WebMethod(operationName = "ReadResident", action = "urn:read")
    @RequestWrapper(localName = "ReadResident", targetNamespace = NAMESPACE)
    @ResponseWrapper(localName = "ReadResidentResponse", targetNamespace = NAMESPACE)
    @WebResult(name = "resident")
    public Resident readResident(@WebParam(name = "id") String id) throws UnknownResident {
        Resident found = store.find(id);
        if ("broken".equals(found.status)) {
            throw new IllegalStateException("the database is closed");
        }
        return found;
    }

    /** Moves a resident, and says what was understood. */
    @WebMethod(operationName = "ChangeAddress", action = "urn:change")
    @RequestWrapper(localName = "ChangeAddress", targetNamespace = NAMESPACE)
    @ResponseWrapper(localName = "ChangeAddressResponse", targetNamespace = NAMESPACE)
    @WebResult(name = "change")
    public AddressChange changeAddress(
            @WebParam(name = "id") String id,
            @WebParam(name = "street") String street,
            @WebParam(name = "city") String city) throws UnknownResident {
        return store.move(id, street, city);
    }
}
