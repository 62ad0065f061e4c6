// SPDX-License-Identifier: MIT

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.math.BigDecimal;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** What the program shares: the world it runs in, the values of each type, and how it reports. */
final class Matrix {
    static final ObjectMapper JSON = new ObjectMapper();
    static final JsonNode WORLD = read(System.getenv("MATRIX_WORLD"));
    private static final Random RANDOM = new Random();

    private Matrix() {}

    interface Act {
        void run() throws Exception;
    }

    /** An operation did not do what it has to. */
    static final class Failed extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Failed(String text) {
            super(text);
        }
    }

    /** One value of one type: its T-SQL literal and how it looks as text. */
    static final class Value {
        final String type;
        final String kind;
        final String text;
        final String expression;
        final String where;

        Value(JsonNode entry) {
            type = entry.get("type").asText();
            kind = entry.get("kind").asText();
            JsonNode repeat = entry.get("repeat");
            JsonNode plain = entry.get("text");
            text = repeat != null ? repeat.get(0).asText().repeat(repeat.get(1).asInt())
                    : plain.isNull() ? null : plain.asText();
            boolean isNull = entry.get("literal").isNull();
            expression = "CAST(" + (isNull ? "NULL" : entry.get("literal").asText()) + " AS " + type + ")";
            where = isNull ? "v IS NULL" : "v = " + expression;
        }

        void compare(Object got) {
            boolean same = got == null || text == null ? got == null && text == null : isSame(got);
            check(same, type + ": got " + shorten(got) + ", not " + shorten(text));
        }

        private boolean isSame(Object got) {
            if (got instanceof Boolean) {
                return (Boolean) got == text.equals("1");
            }
            if (got instanceof BigDecimal) {
                return ((BigDecimal) got).compareTo(new BigDecimal(text)) == 0;
            }
            if (got instanceof Double) {
                return (Double) got == Double.parseDouble(text);
            }
            if (got instanceof Float) {
                return (Float) got == Float.parseFloat(text);
            }
            if (got instanceof byte[]) {
                return hex((byte[]) got).equals(text);
            }
            String shown = got.toString();
            return kind.equals("guid") ? shown.equalsIgnoreCase(text) : shown.equals(text);
        }
    }

    static JsonNode read(String path) {
        try {
            return JSON.readTree(new File(path));
        } catch (java.io.IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static String world(String name) {
        return WORLD.get(name).asText();
    }

    static String token(String name) {
        return WORLD.get("tokens").get(name).asText();
    }

    static List<Value> values(String op) {
        List<Value> list = new ArrayList<>();
        for (JsonNode entry : read("common/types.json")) {
            if (entry.get("op").asText().equals(op)) {
                list.add(new Value(entry));
            }
        }
        return list;
    }

    static void check(boolean condition, String text) {
        if (!condition) {
            throw new Failed(text);
        }
    }

    static void equal(Object got, Object wanted) {
        check(String.valueOf(got).equals(String.valueOf(wanted)),
                "got " + shorten(got) + ", not " + shorten(wanted));
    }

    static String shorten(Object value) {
        String text = String.valueOf(value);
        return text.length() <= 160 ? text : text.substring(0, 160) + "... (" + text.length() + ")";
    }

    static String unique(String prefix) {
        return prefix + Long.toHexString(RANDOM.nextLong() & 0xFFFFFFFFFFL);
    }

    static String hex(byte[] data) {
        StringBuilder text = new StringBuilder(data.length * 2);
        for (byte b : data) {
            text.append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
        }
        return text.toString();
    }

    static byte[] bytes(String hex) {
        byte[] data = new byte[hex.length() / 2];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        return data;
    }

    static void refused(Act act, int number, String text) throws Exception {
        try {
            act.run();
        } catch (SQLException e) {
            check((e.getErrorCode() == number || String.valueOf(e.getMessage()).contains("" + number))
                    && e.getMessage().contains(text),
                    "refused with " + e.getErrorCode() + " '" + e.getMessage() + "', not with " + number + " '"
                            + text + "'");
            return;
        }
        throw new Failed("not refused, though it has to be with " + number);
    }

    /** A trust store of one certificate, as Java wants it. */
    static String trustStore(String certificate) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (FileInputStream in = new FileInputStream(certificate)) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        File file = File.createTempFile("trust", ".p12");
        file.deleteOnExit();
        try (FileOutputStream out = new FileOutputStream(file)) {
            store.store(out, "trusted".toCharArray());
        }
        return file.getPath();
    }

    private static void say(Map<String, Object> line) throws Exception {
        System.out.println(JSON.writeValueAsString(line));
        System.out.flush();
    }

    static void run(String[] operations, Map<String, Act> acts) throws Exception {
        for (String op : operations) {
            say(Map.of("begin", op));
            long began = System.nanoTime();
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("op", op);
            result.put("ok", true);
            try {
                acts.get(op).run();
            } catch (Throwable e) {
                result.put("ok", false);
                StringBuilder reason = new StringBuilder(e instanceof Failed ? "" : e.getClass().getSimpleName() + ": ");
                for (Throwable t = e; t != null; t = t.getCause()) {
                    reason.append(t.getMessage()).append(' ');
                }
                String text = reason.toString().replaceAll("\\s+", " ").trim();
                result.put("reason", text.length() > 600 ? text.substring(0, 600) : text);
                if (System.getenv("MATRIX_TRACE") != null) {
                    e.printStackTrace();
                }
            }
            result.put("seconds", (System.nanoTime() - began) / 1e9);
            say(result);
        }
        System.exit(0);
    }
}
