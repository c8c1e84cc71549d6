package org.banyan.testing;

import jakarta.xml.bind.JAXB;
import jakarta.xml.bind.annotation.XmlElement;
import jakarta.xml.bind.annotation.XmlRootElement;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.xml.datatype.DatatypeConfigurationException;
import javax.xml.datatype.DatatypeConstants;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.datatype.XMLGregorianCalendar;

/** What the registry holds: in a file, so that it outlives the server's process. */
final class Store {
    /** The file's content. */
    @XmlRootElement
    static final class Content {
        @XmlElement
        List<Resident> resident = new ArrayList<>();
    }

    // Seven fraction digits, as .NET writes them: more than Python's datetime holds.
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSSXXX").withZone(ZoneOffset.UTC);

    private final Path file;
    private final Content content;
    private final DatatypeFactory types;
    private Duration skew = Duration.ZERO;
    private int failures;
    private String failAs = "";

    Store(Path file) throws DatatypeConfigurationException {
        this.file = file;
        this.content = Files.exists(file) ? JAXB.unmarshal(file.toFile(), Content.class) : new Content();
        this.types = DatatypeFactory.newInstance();
    }

    /** Returns who was modified at or after a point in time, or all. */
    synchronized List<Resident> modified(XMLGregorianCalendar since) {
        return content.resident.stream()
                .filter(r -> since == null || r.lastModified.compare(since) != DatatypeConstants.LESSER)
                .collect(Collectors.toList());
    }

    /** Returns one resident. */
    synchronized Resident find(String id) throws UnknownResident {
        return content.resident.stream()
                .filter(r -> r.id.equals(id))
                .findFirst()
                .orElseThrow(() -> new UnknownResident(id));
    }

    /** Changes an address. */
    synchronized AddressChange move(String id, String street, String city) throws UnknownResident {
        Resident found = find(id);
        found.street = street;
        found.city = city;
        found.lastModified = types.newXMLGregorianCalendar(STAMP.format(Instant.now().plus(skew)));
        JAXB.marshal(content, file.toFile());
        AddressChange change = new AddressChange();
        change.id = id;
        change.address = street + ", " + city;
        change.accepted = true;
        change.fee = new BigDecimal("12.50");
        change.validFrom = types.newXMLGregorianCalendar("2026-12-01");
        return change;
    }

    /** Returns how the next call fails, or an empty text. */
    synchronized String failure() {
        return failures-- > 0 ? failAs : "";
    }

    /** Does what a test asks for. */
    synchronized void control(Map<String, String> asked) {
        switch (asked.get("do")) {
            case "put" -> put(asked);
            case "delete" -> content.resident.removeIf(r -> r.id.equals(asked.get("id")));
            case "clear" -> {
                content.resident.clear();
                skew = Duration.ZERO;
                failures = 0;
            }
            case "clock" -> skew = Duration.parse(asked.get("skew"));
            case "fail" -> {
                failures = Integer.parseInt(asked.get("times"));
                failAs = asked.get("as");
            }
            default -> throw new IllegalArgumentException(asked.get("do"));
        }
        JAXB.marshal(content, file.toFile());
    }

    private void put(Map<String, String> asked) {
        Resident resident = new Resident();
        resident.id = asked.get("id");
        resident.name = asked.get("name");
        resident.street = asked.getOrDefault("street", "Brombeergasse 1");
        resident.city = asked.getOrDefault("city", "Altfeigen");
        resident.born = asked.containsKey("born") ? types.newXMLGregorianCalendar(asked.get("born")) : null;
        resident.status = asked.getOrDefault("status", "active");
        resident.lastModified = types.newXMLGregorianCalendar(STAMP.format(Instant.now().plus(skew)));
        content.resident.removeIf(r -> r.id.equals(resident.id));
        content.resident.add(resident);
    }
}
