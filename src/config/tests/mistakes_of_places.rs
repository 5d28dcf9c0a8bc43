//! Mistakes about where callers are: who is asked for it, cells and neighbours; as in `mistakes`.

pub(super) const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (
        "gateway.toml",
        "[node]",
        "[identity]\ncrl = [\"none.crl\", \"queues.toml\", \"http://crl.example/a\", \"https://crl.example:8443/a\"]\n[node]",
        r#"gateway.toml:6:8: error: "none.crl" cannot be read: No such file or directory (os error 2); the path counts from the configuration directory; the gateway's user must be able to read it
gateway.toml:6:20: error: "queues.toml": there is no revocation list in it; it must hold PEM (-----BEGIN X509 CRL-----) or DER, the authority's own whole list
gateway.toml:6:35: error: "http://crl.example/a" cannot be fetched: it is no https:// address; write https://, or a file beside this one
gateway.toml:6:59: error: "https://crl.example:8443/a" is never asked: its host is not named; add "crl.example" to [references] hosts"#,
    ),
    (
        "gateway.toml",
        "[node]",
        "[references]\nhosts = [\"lis telco\"]\nnetworks = [\"10.20\"]\n[node]",
        r#"gateway.toml:6:10: error: "lis telco" is no host name; write letters, digits, hyphens and dots, for example "112.sumenep.example"
gateway.toml:7:13: error: "10.20" is no network; write an address or a network, for example "10.20.0.0/16""#,
    ),
    (
        "gateway.toml",
        "[node]",
        "[references]\nhosts = \"lis.telco-a.example\"\nca = \"tls/none.pem\"\n[node]",
        r#"gateway.toml:7:6: error: "tls/none.pem" cannot be read: No such file or directory (os error 2); the path counts from the configuration directory; the gateway's user must be able to read it"#,
    ),
    (
        "gateway.toml",
        "[node]",
        "[[logger]]\nname = \"a\"\nurl = \"http://log.example/\"\n[[logger]]\nname = \"a\"\nurl = \"log.example\"\nkey_file = \"none.pem\"\n[node]",
        r#"gateway.toml:7:7: error: "http://log.example/" cannot be sent to: http:// is only for this machine (127.0.0.1 or [::1]): use https://; write for example "https://log.example/events"
gateway.toml:9:8: error: receiver "a" exists twice; the first one stands at gateway.toml:6:8; keep one of them, or rename it
gateway.toml:10:7: error: "log.example" cannot be sent to: it is no https:// address; write for example "https://log.example/events"
gateway.toml:11:12: error: "none.pem" cannot be used: No such file or directory (os error 2); make one with `openssl genpkey -algorithm ed25519`"#,
    ),
    (
        "gateway.toml",
        "[node]",
        "[references]\nhost = \"lis.telco-a.example\"\nnetworks = \"10.0.0.0/8\"\n[node]",
        r#"gateway.toml:6:1: error: unknown key "host" in [references]; did you mean "hosts"?"#,
    ),
    (
        "gateway.toml",
        "[node]",
        "[location]\naml_window_minutes = 0\naml_key_env = \"NO_SUCH_VARIABLE\"\nradius = 5\n[node]",
        r#"gateway.toml:6:22: error: aml_window_minutes = 0 is out of range; write a number from 1 to 240, for example 20
gateway.toml:7:15: error: the environment variable NO_SUCH_VARIABLE is not set; set it before the start, or remove aml_key_env
gateway.toml:8:1: error: unknown key "radius" in [location]; known keys: aml_window_minutes, aml_key, aml_key_file, aml_key_env"#,
    ),
    (
        "gateway.toml",
        "[node]",
        "[location]\naml_window_minutes = \"20\"\naml_key_file = \"none.key\"\n[node]",
        r#"gateway.toml:6:22: error: "aml_window_minutes" is a text, not a whole number; write a whole number
gateway.toml:7:16: error: "none.key" cannot be read: No such file or directory (os error 2); the path counts from the configuration directory; the gateway's user must be able to read it"#,
    ),
    (
        "gateway.toml",
        "[node]",
        "[[webhook]]\nname = \"bpbd\"\nurl = \"ftp://bpbd.example/112\"\nsecret_file = \"none\"\n[[webhook]]\nname = \"bpbd\"\nurl = \"https://bpbd.example/112\"\n[node]",
        r#"gateway.toml:7:7: error: "ftp://bpbd.example/112" cannot be sent to: it is no https:// address; write for example "https://log.example/events"
gateway.toml:8:15: error: "none" cannot be read: No such file or directory (os error 2); the path counts from the configuration directory; the gateway's user must be able to read it
gateway.toml:9:1: error: key "secret_file" is missing in [[webhook]]; write for example secret_file = "secrets/bpbd", made with `openssl rand -hex 32`
gateway.toml:10:8: error: receiver "bpbd" exists twice; the first one stands at gateway.toml:6:8; keep one of them, or rename it"#,
    ),
    (
        "gateway.toml",
        "[node]",
        "[[webhook]]\nname = \"bpbd\"\nurl = \"https://bpbd.example/112\"\nsecret_env = \"NO_SUCH_VARIABLE\"\nkinds = [\"ended\", \"quake\"]\npersonal = \"yes\"\n[[webhook]]\nname = \"b\"\nkinds = []\nca = \"none.pem\"\n[node]",
        r#"gateway.toml:8:14: error: the environment variable NO_SUCH_VARIABLE is not set; set it before the start, or use secret_file
gateway.toml:9:19: error: there is no event "quake": kinds are those of the journal's facts, such as arrived, answered, ended, incident-edited, alarm, and screen-pop; write for example kinds = ["screen-pop", "ended"]
gateway.toml:10:12: error: "personal" is a text, not true or false; write true or false
gateway.toml:11:1: error: key "url" is missing in [[webhook]]; write for example url = "https://bpbd.example/112"
gateway.toml:11:1: error: this webhook is told nothing; name some, or leave the key out for all
gateway.toml:11:1: error: key "secret_file" is missing in [[webhook]]; write for example secret_file = "secrets/bpbd", made with `openssl rand -hex 32`"#,
    ),
    (
        "places/cells.csv",
        "",
        "510,10,1A2B,0C3D4E5,35.29.99,\n51,10,1A2B,1,35.29.01,\n510,10,XYZ,1,35.29.01,\n510,10,1A2B,FFFFFFFFFFFF,35.29.01,\n510,10,1A2B\n",
        r#"places/cells.csv:4:1: error: "35.29.99" is neither a kecamatan of kecamatan.csv nor in neighbours.csv; write the code of a kecamatan (35.29.25) or of a neighbouring regency (35.28)
places/cells.csv:5:1: error: 51,10,1A2B,1 is no cell; write the country (510), the network (2 or 3 digits), area and cell in hexadecimal, or * for all cells of the area
places/cells.csv:6:1: error: 510,10,XYZ,1 is no cell; write the country (510), the network (2 or 3 digits), area and cell in hexadecimal, or * for all cells of the area
places/cells.csv:7:1: error: 510,10,1A2B,FFFFFFFFFFFF is no cell; write the country (510), the network (2 or 3 digits), area and cell in hexadecimal, or * for all cells of the area
places/cells.csv:8:1: error: the row has 3 fields, not 6; write mcc,mnc,area_hex,cell_hex,place,note; an empty field is nothing between two commas"#,
    ),
    (
        "places/neighbours.csv",
        "",
        "3528,Pamekasan,tel:+62324112,\n35.27,,tel:+62324112,\n35.26,Bangkalan,0311,\n35.26,Bangkalan,tel:+62311112,\n",
        r#"places/neighbours.csv:3:1: error: "3528" is no code of a regency; write the Ministry of Home Affairs' code, for example 35.28
places/neighbours.csv:4:1: error: the neighbour 35.27 has no name; write it after the code
places/neighbours.csv:5:1: error: "0311" is no number of a neighbouring centre; write "tel:+62324112" or "sip:ntpd@pamekasan.example"
places/neighbours.csv:6:1: error: neighbour "35.26" exists twice; the first one stands at places/neighbours.csv:5:1; keep one of them, or rename it"#,
    ),
];
