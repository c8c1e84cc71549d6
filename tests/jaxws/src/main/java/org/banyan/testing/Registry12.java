package org.banyan.testing;

import jakarta.jws.WebService;
import jakarta.xml.ws.BindingType;

/** The same service over SOAP 1.2; the binding is the reference implementation's own name, which has a WSDL. */
@WebService(name = "ResidentRegistry", serviceName = "ResidentRegistry", targetNamespace = Registry.NAMESPACE)
@BindingType("http://java.sun.com/xml/ns/jaxws/2003/05/soap/bindings/HTTP/")
public final class Registry12 extends Registry {
    Registry12(Store store) {
        super(store);
    }
}
