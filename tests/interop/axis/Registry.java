package org.banyan.testing.axis;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Calendar;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;

/** The service. Its residents are in a file with tabs, which is read at each call; those of a city share a household. */
public class Registry {
    private static final Path FILE = Paths.get(System.getProperty("residents"));

    /** Lists the residents modified at or after a point in time, or all. */
    public Resident[] listResidents(Calendar modifiedSince) throws IOException {
        List<Resident> found = new ArrayList<>();
        for (Resident each : residents()) {
            if (modifiedSince == null || !each.getLastModified().before(modifiedSince)) {
                found.add(each);
            }
        }
        return found.toArray(new Resident[0]);
    }

    /** Returns one resident. */
    public Resident readResident(String id) throws IOException, UnknownResident {
        for (Resident each : residents()) {
            if (each.getId().equals(id)) {
                return each;
            }
        }
        throw new UnknownResident(id);
    }

    /** Moves a resident, and says where to. */
    public String changeAddress(String id, String city) throws IOException, UnknownResident {
        readResident(id);
        List<String> lines = new ArrayList<>();
        for (String line : Files.readAllLines(FILE, StandardCharsets.UTF_8)) {
            String[] cells = line.split("\t", -1);
            if (cells[0].equals(id)) {
                cells[3] = city;
            }
            lines.add(String.join("\t", cells));
        }
        Files.write(FILE, lines, StandardCharsets.UTF_8);
        return id + ": " + city;
    }

    private static List<Resident> residents() throws IOException {
        Map<String, Household> households = new HashMap<>();
        List<Resident> residents = new ArrayList<>();
        for (String line : Files.readAllLines(FILE, StandardCharsets.UTF_8)) {
            String[] cells = line.split("\t", -1);
            Resident resident = new Resident();
            resident.setId(cells[0]);
            resident.setName(cells[1]);
            resident.setStatus(cells[5]);
            resident.setMarks(new int[] {cells[1].length(), 2});
            Calendar modified = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
            modified.setTimeInMillis(Instant.parse(cells[6]).toEpochMilli());
            resident.setLastModified(modified);
            Household household = households.computeIfAbsent(cells[3], city -> {
                Household made = new Household();
                made.setCity(city);
                made.setHead(resident);
                return made;
            });
            resident.setHousehold(household);
            residents.add(resident);
        }
        return residents;
    }
}
