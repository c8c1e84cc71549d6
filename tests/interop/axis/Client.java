package org.banyan.testing.axis;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Calendar;
import java.util.TimeZone;
import javax.xml.namespace.QName;
import javax.xml.rpc.ParameterMode;
import org.apache.axis.AxisFault;
import org.apache.axis.client.Call;
import org.apache.axis.client.Service;
import org.apache.axis.encoding.XMLType;
import org.apache.axis.encoding.ser.BeanDeserializerFactory;
import org.apache.axis.encoding.ser.BeanSerializerFactory;

/** Reads a call for each line of its input, cells by tabs, and writes the results as JSON. */
public final class Client {
    private static final String NAMESPACE = "urn:banyan:testing:encoded";

    private Client() {
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        StringBuilder results = new StringBuilder();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            results.append(results.length() == 0 ? "" : ",").append(called(arguments[0], line.split("\t", -1)));
        }
        new PrintStream(System.out, true, "UTF-8").println("[" + results + "]");
        System.exit(0);
    }

    private static String called(String address, String[] cells) throws Exception {
        Call call = (Call) new Service().createCall();
        call.setTargetEndpointAddress(new URL(address));
        call.setOperationName(new QName(NAMESPACE, cells[0]));
        bean(call, "Resident", Resident.class);
        bean(call, "Household", Household.class);
        bean(call, "UnknownResident", UnknownResident.class);
        try {
            return "{\"answer\":" + answer(call, cells) + "}";
        } catch (AxisFault fault) {
            boolean declared = fault.detail instanceof UnknownResident;
            String about = declared ? quoted(((UnknownResident) fault.detail).getId()) : "null";
            return "{\"fault\":{\"code\":" + quoted(fault.getFaultCode().getLocalPart()) + ",\"about\":" + about + "}}";
        }
    }

    private static String answer(Call call, String[] cells) throws Exception {
        switch (cells[0]) {
            case "readResident":
                call.addParameter("id", XMLType.XSD_STRING, ParameterMode.IN);
                call.setReturnType(new QName(NAMESPACE, "Resident"), Resident.class);
                return resident((Resident) call.invoke(new Object[] {cells[1]}));
            case "changeAddress":
                call.addParameter("id", XMLType.XSD_STRING, ParameterMode.IN);
                call.addParameter("city", XMLType.XSD_STRING, ParameterMode.IN);
                call.setReturnType(XMLType.XSD_STRING);
                return quoted((String) call.invoke(new Object[] {cells[1], cells[2]}));
            default:
                call.addParameter("modifiedSince", XMLType.XSD_DATETIME, ParameterMode.IN);
                call.setReturnType(XMLType.SOAP_ARRAY, Resident[].class);
                Calendar since = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
                since.setTimeInMillis(Instant.parse(cells[1]).toEpochMilli());
                StringBuilder all = new StringBuilder();
                for (Resident each : (Resident[]) call.invoke(new Object[] {since})) {
                    all.append(all.length() == 0 ? "" : ",").append(resident(each));
                }
                return "[" + all + "]";
        }
    }

    private static void bean(Call call, String name, Class<?> kind) {
        QName type = new QName(NAMESPACE, name);
        call.registerTypeMapping(
                kind, type, new BeanSerializerFactory(kind, type), new BeanDeserializerFactory(kind, type));
    }

    private static String resident(Resident found) {
        // Whoever heads the household heads the same one: the value holds itself.
        Resident head = found.getHousehold().getHead();
        boolean closed = head.getHousehold() == found.getHousehold();
        return "{\"id\":" + quoted(found.getId()) + ",\"name\":" + quoted(found.getName()) + ",\"city\":"
                + quoted(found.getHousehold().getCity()) + ",\"marks\":[" + found.getMarks()[0] + ","
                + found.getMarks()[1] + "],\"head\":" + quoted(closed ? head.getId() : "another") + "}";
    }

    private static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }
}
