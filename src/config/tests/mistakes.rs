//! One broken copy of the sample for every mistake: the edit, and every error that it gives.

/// A file of the sample, the text in it, what the text becomes (an empty text appends), and the
/// errors, one a line, all of them.
pub(super) const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (
        "queues.toml",
        "ring_timeout_seconds = 15 ",
        "ring_timout = 15 ",
        r#"queues.toml:7:1: error: unknown key "ring_timout" in [[queue]]; did you mean "ring_timeout_seconds"?"#,
    ),
    (
        "queues.toml",
        "[[queue]]\nname = \"sosial\"",
        "[[quue]]\nname = \"sosial\"",
        r#"queues.toml:38:3: error: unknown key "quue" at the top of this file; did you mean "queue"?
routing.toml:24:9: error: no queue is called "sosial"; known queues: cadangan, darurat, laut
seats.toml:48:11: error: no queue is called "sosial"; known queues: cadangan, darurat, laut"#,
    ),
    (
        "gateway.toml",
        "[storage]",
        "[storrage]",
        r#"gateway.toml:33:2: error: unknown key "storrage" at the top of this file; did you mean "storage"?"#,
    ),
    (
        "gateway.toml",
        "[storage]",
        "[storage]\nurl = \"mysql://ani@db.example/siaga\"",
        r#"gateway.toml:34:7: error: this is no storage URL; write for example "sqlite:data/siaga112.db" or "postgres://siaga112@db.example:5432/siaga112""#,
    ),
    (
        "gateway.toml",
        "[storage]",
        "[storage]\nurl = \"postgres://ani:rahasia@db.example/siaga\"",
        r#"gateway.toml:34:7: error: a password stands in the storage URL; write postgres://USER@HOST/DATABASE, and the password by password_file or password_env"#,
    ),
    (
        "gateway.toml",
        "[storage]",
        "[storage]\npassword = \"rahasia\"",
        r#"gateway.toml:33:1: error: SQLite takes no password; remove it; file modes guard the file"#,
    ),
    (
        "gateway.toml",
        "[storage]",
        "[storage]\nurl = \"postgres://ani@localhost/siaga\"\npassword_env = \"DB\"",
        r#"gateway.toml:35:16: error: the environment variable DB is not set; set it before the start, or remove password_env"#,
    ),
    (
        "gateway.toml",
        "record = true",
        "recrod = true",
        r#"gateway.toml:31:1: error: unknown key "recrod" in [media]; did you mean "record"?"#,
    ),
    (
        "gateway.toml",
        r#"name = "gw1.112.sumenep.example""#,
        "",
        r#"gateway.toml:5:1: error: key "name" is missing in [node]; write for example name = "gw1.112.sumenep.example""#,
    ),
    (
        "gateway.toml",
        r#"domain = "112.sumenep.example""#,
        "",
        r#"gateway.toml:23:1: error: key "domain" is missing in [sip]; write for example domain = "112.sumenep.example""#,
    ),
    (
        "gateway.toml",
        r#"address = "127.0.0.1""#,
        "",
        r#"gateway.toml:28:1: error: key "address" is missing in [media]; write for example address = "192.0.2.10", the address written into SDP"#,
    ),
    (
        "gateway.toml",
        r#"area_code = "0328""#,
        "area_code = 328",
        r#"gateway.toml:11:13: error: "area_code" is a number, not a text in quotes; write a text in quotes"#,
    ),
    (
        "gateway.toml",
        r#"area_code = "0328""#,
        r#"area_code = "328""#,
        r#"gateway.toml:11:13: error: "328" is no area code; write it with its leading zero, for example "0328""#,
    ),
    (
        "gateway.toml",
        r#""112","#,
        r#""112", 112,"#,
        r#"gateway.toml:14:10: error: "dialled" is a number, not a list of texts; write a list of texts"#,
    ),
    (
        "gateway.toml",
        r#""1120328""#,
        r#""112 0328""#,
        r#"gateway.toml:16:3: error: "112 0328" is no dialled form; write digits as the carrier sends them ("0328112", "+62328112") or a service ("urn:service:sos", "urn:service:sos.*")"#,
    ),
    (
        "gateway.toml",
        "# format = \"ogg\"",
        "format = \"mp3\"",
        r#"gateway.toml:49:10: error: "mp3" is no format of recordings; write "wav", or "ogg" for Opus, which takes a fifth of the room"#,
    ),
    (
        "gateway.toml",
        "record = true",
        r#"record = "yes""#,
        r#"gateway.toml:31:10: error: "record" is a text, not true or false; write true or false"#,
    ),
    (
        "gateway.toml",
        r#""udp://0.0.0.0:5060""#,
        r#""sctp://0.0.0.0:5060""#,
        r#"gateway.toml:24:11: error: "sctp://0.0.0.0:5060" is no listener; write udp://, tcp://, tls://, ws:// or wss:// before the address: "udp://0.0.0.0:5060""#,
    ),
    (
        "gateway.toml",
        r#""udp://0.0.0.0:5060""#,
        r#""udp://0.0.0.0:5060", "udp://0.0.0.0:5060", "0.0.0.0:5062""#,
        r#"gateway.toml:24:33: error: udp://0.0.0.0:5060 is listened on twice; remove one of them
gateway.toml:24:55: error: "0.0.0.0:5062" is no listener; write udp://, tcp://, tls://, ws:// or wss:// before the address: "udp://0.0.0.0:5060""#,
    ),
    (
        "gateway.toml",
        r#"domain = "112.sumenep.example""#,
        r#"domain = "112 sumenep"
min_expires_seconds = 900"#,
        r#"gateway.toml:23:1: error: registrations of at least 900 s, usually 120 s and at most 300 s contradict each other; let min_expires_seconds <= default_expires_seconds <= max_expires_seconds
gateway.toml:25:10: error: "112 sumenep" is no host name; write letters, digits, hyphens and dots, for example "112.sumenep.example""#,
    ),
    (
        "gateway.toml",
        r#""20000-29999""#,
        r#""20000-20018""#,
        r#"gateway.toml:30:9: error: the ports 20000-20017 are 9 pairs, 12 are needed; each call takes two pairs: write at least "20000-20023" for 4 seats"#,
    ),
    (
        "gateway.toml",
        r#""20000-29999""#,
        r#""20000..29999""#,
        r#"gateway.toml:30:9: error: "20000..29999" is no port range; write the first and the last port, for example "20000-29999""#,
    ),
    (
        "gateway.toml",
        r#""20000-29999""#,
        r#""5000-9000""#,
        "gateway.toml:30:9: error: the SIP listener udp://0.0.0.0:5060 lies within the media ports; move one of them",
    ),
    (
        "gateway.toml",
        r#""20000-29999""#,
        r#""30000-20000""#,
        r#"gateway.toml:30:9: error: 30000-20000 holds no pair of ports; write the first and the last port, for example "20000-29999""#,
    ),
    (
        "gateway.toml",
        r#"address = "127.0.0.1""#,
        r#"address = "0.0.0.0""#,
        "gateway.toml:29:11: error: nobody can send to 0.0.0.0; write the address that carriers and phones reach this machine by",
    ),
    (
        "gateway.toml",
        r#"address = "127.0.0.1""#,
        r#"address = "192.0.2.10"
bind = "::""#,
        "gateway.toml:30:8: error: :: and 192.0.2.10 are of two IP versions; let bind and address be of one version",
    ),
    (
        "gateway.toml",
        r#"address = "127.0.0.1""#,
        r#"bind = "0.0.0.0""#,
        r#"gateway.toml:28:1: error: key "address" is missing in [media]; write for example address = "192.0.2.10", the address written into SDP"#,
    ),
    (
        "gateway.toml",
        r#"# url = "sqlite:data/siaga112.db""#,
        r#"url = "postgres://siaga:rahasia@db/siaga""#,
        r#"gateway.toml:34:7: error: a password stands in the storage URL; write postgres://USER@HOST/DATABASE, and the password by password_file or password_env"#,
    ),
    (
        "gateway.toml",
        r#"listen = "127.0.0.1:8112""#,
        r#"listen = "127.0.0.1""#,
        r#"gateway.toml:37:10: error: "127.0.0.1" is no address with a port; write for example "127.0.0.1:8112" or "[::1]:8112""#,
    ),
    (
        "gateway.toml",
        r#"token_env = "SIAGA112_TOKEN""#,
        r#"token_env = "SIAGA112_TOKEN"
token_file = "t""#,
        "gateway.toml:38:1: error: the token is given in 2 ways; keep one of token_file, token_env, token",
    ),
    (
        "gateway.toml",
        r#"token_env = "SIAGA112_TOKEN""#,
        r#"token_file = "no-such-file""#,
        r#"gateway.toml:41:14: error: "no-such-file" cannot be read: No such file or directory (os error 2); the path counts from the configuration directory; the gateway's user must be able to read it"#,
    ),
    (
        "queues.toml",
        "ring_timeout_seconds = 15",
        "ring_timeout_seconds = 2",
        "queues.toml:7:24: error: ring_timeout_seconds = 2 is out of range; write a number from 3 to 120, for example 20",
    ),
    (
        "queues.toml",
        "ring_timeout_seconds = 15",
        "ring_timeout_seconds = 15.5",
        r#"queues.toml:7:24: error: "ring_timeout_seconds" is a number with a point, not a whole number; write a whole number"#,
    ),
    (
        "queues.toml",
        "max_wait_seconds = 45",
        "max_wait_seconds = 15",
        "queues.toml:9:20: error: max_wait_seconds = 15 leaves no time for a second seat after ring_timeout_seconds = 15; let max_wait_seconds be the larger one",
    ),
    (
        "queues.toml",
        r#"answer = "on_agent""#,
        r#"answer = "after_seconds:0""#,
        r#"queues.toml:6:10: error: "after_seconds:0" is no answer mode; write "on_agent", "immediate" or "after_seconds:N" with N from 1 to 600"#,
    ),
    (
        "queues.toml",
        r#"name = "laut""#,
        r#"name = "darurat""#,
        r#"queues.toml:24:8: error: queue "darurat" exists twice; the first one stands at queues.toml:5:8; keep one of them, or rename it
routing.toml:8:9: error: no queue is called "laut"; known queues: cadangan, darurat, sosial
routing.toml:16:9: error: no queue is called "laut"; known queues: cadangan, darurat, sosial
seats.toml:24:22: error: no queue is called "laut"; known queues: cadangan, darurat, sosial
seats.toml:32:22: error: no queue is called "laut"; known queues: cadangan, darurat, sosial
seats.toml:40:11: error: no queue is called "laut"; known queues: cadangan, darurat, sosial"#,
    ),
    (
        "queues.toml",
        r#""queue:cadangan", "sip"#,
        r#""queue:cadagan", "sip"#,
        r#"queues.toml:10:13: error: no queue is called "cadagan"; did you mean "cadangan"?"#,
    ),
    (
        "queues.toml",
        r#"["queue:cadangan", "tel:+6281234567899"]"#,
        "[]",
        r#"queues.toml:23:1: error: the queue "laut" ends nowhere: its overflow leads to nobody; let the overflow end at a number, for example "tel:+6281234567899""#,
    ),
    (
        "queues.toml",
        r#"overflow = ["queue:cadangan", "tel:+6281234567899"]"#,
        "",
        r#"queues.toml:23:1: error: key "overflow" is missing in [[queue]]; write for example overflow = ["queue:cadangan", "tel:+6281234567899"]"#,
    ),
    (
        "queues.toml",
        r#"overflow = ["tel:+6281234567899"]"#,
        r#"overflow = ["queue:laut"]"#,
        "queues.toml:29:13: error: the overflow goes in a circle: cadangan -> laut -> cadangan; let one of these queues go to a number outside instead",
    ),
    (
        "queues.toml",
        r#""queue:cadangan", "sip"#,
        r#""queue:darurat", "sip"#,
        "queues.toml:10:13: error: the overflow goes in a circle: darurat -> darurat; let one of these queues go to a number outside instead",
    ),
    (
        "queues.toml",
        "tel:+6281234567899",
        "tel:+62 812",
        r#"queues.toml:10:61: error: "tel:+62 812" is no number: 3 to 15 digits after tel:; write "queue:cadangan", "tel:+6281234567899" or "sip:ntpd@pamekasan.example""#,
    ),
    (
        "queues.toml",
        "sip:ntpd@pamekasan.example",
        "sip:ntpd@",
        r#"queues.toml:10:31: error: "sip:ntpd@" is no SIP address; write "queue:cadangan", "tel:+6281234567899" or "sip:ntpd@pamekasan.example""#,
    ),
    (
        "queues.toml",
        "sip:ntpd@pamekasan.example",
        "pamekasan",
        r#"queues.toml:10:31: error: an overflow cannot go to "pamekasan"; write "queue:cadangan", "tel:+6281234567899" or "sip:ntpd@pamekasan.example""#,
    ),
    (
        "queues.toml",
        r#"name = "darurat""#,
        r#"name = "da rurat""#,
        r#"queues.toml:5:8: error: "da rurat" cannot be a name; write 1 to 64 letters, digits, hyphens, underscores and dots, for example "telco-a""#,
    ),
    (
        "routing.toml",
        "when = {}",
        r#"when = { trunk = ["telco-a"] }"#,
        r#"routing.toml:27:1: error: no rule is true for every call: some would reach no queue; add as the last one: [[rule]] priority = 0, when = {}, queue = "darurat""#,
    ),
    (
        "routing.toml",
        r#"queue = "darurat""#,
        r#"queue = "darurt""#,
        r#"routing.toml:31:9: error: no queue is called "darurt"; did you mean "darurat"?"#,
    ),
    (
        "routing.toml",
        r#""35.29.25""#,
        r#""35.29.52""#,
        r#"routing.toml:15:47: error: no kecamatan is called "35.29.52"; did you mean "35.29.25"?"#,
    ),
    (
        "routing.toml",
        r#""35.29.25""#,
        "35.29",
        r#"routing.toml:15:47: error: "kecamatan" is a number with a point, not a list of texts; write a list of texts"#,
    ),
    (
        "routing.toml",
        r#""sos.marine""#,
        r#""urn:service:sos.marine""#,
        r#"routing.toml:7:21: error: "urn:service:sos.marine" is no emergency service; leave urn:service: out: write "sos.marine""#,
    ),
    (
        "routing.toml",
        "service =",
        "sevice =",
        r#"routing.toml:7:10: error: unknown key "sevice" in when; did you mean "service"?"#,
    ),
    (
        "routing.toml",
        r#"name = "kepulauan""#,
        r#"name = "laut""#,
        r#"routing.toml:12:8: error: rule "laut" exists twice; the first one stands at routing.toml:5:8; keep one of them, or rename it"#,
    ),
    (
        "routing.toml",
        r#"priority = 90
"#,
        "",
        r#"routing.toml:4:1: error: key "priority" is missing in [[rule]]; write for example priority = 50"#,
    ),
    (
        "routing.toml",
        "call_priority = 8",
        "call_priority = 10",
        "routing.toml:9:17: error: call_priority = 10 is out of range; write a number from 0 to 9, for example 5",
    ),
    (
        "routing.toml",
        "",
        r#"[[rule]]
priority = 5
when = { trunk = ["telco-d"] }
queue = "darurat""#,
        r#"routing.toml:34:19: error: no trunk is called "telco-d"; did you mean "telco-c"?"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        "",
        r#"trunks/telco-b.toml:4:1: error: the trunk "telco-b" has neither a source, nor a certificate's name, nor an account; add source = ["198.51.100.7"], tls_names, or username with a password"#,
    ),
    (
        "trunks/telco-b.toml",
        "198.51.100.7/32",
        "192.0.2.7",
        r#"trunks/telco-b.toml:6:11: error: 192.0.2.7/32 of trunk "telco-b" overlaps 192.0.2.0/24 of trunk "telco-a" at trunks/telco-a.toml:6:11; let each address belong to one trunk"#,
    ),
    (
        "trunks/telco-b.toml",
        "198.51.100.7/32",
        "198.51.100.7/24",
        r#"trunks/telco-b.toml:6:11: error: 198.51.100.7/24 is an address within a network, not a network; write "198.51.100.0/24" or "198.51.100.7""#,
    ),
    (
        "trunks/telco-b.toml",
        "198.51.100.7/32",
        "sbc.telco-b.example",
        r#"trunks/telco-b.toml:6:11: error: "sbc.telco-b.example" is no network; write "198.51.100.7" or "198.51.100.0/24"; host names are not looked up"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"name = "telco-b""#,
        r#"name = "telco-a""#,
        r#"trunks/telco-b.toml:5:8: error: trunk "telco-a" exists twice; the first one stands at trunks/telco-a.toml:5:8; keep one of them, or rename it"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"test_number = "112999""#,
        r#"test_number = "0328112""#,
        r#"trunks/telco-b.toml:11:15: error: the test number "0328112" is also an emergency number of [centre]; let the test number be one that nobody dials in need"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"username = "seat-1"
password_env = "NO_SUCH_VARIABLE""#,
        r#"seats.toml:23:8: error: account "seat-1" exists twice; the first one stands at trunks/telco-b.toml:6:12; keep one of them, or rename it
trunks/telco-b.toml:7:16: error: the environment variable NO_SUCH_VARIABLE is not set; set it before the start, or use password_file"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"source = "198.51.100.7"
password_file = "x""#,
        r#"trunks/telco-b.toml:4:1: error: a password without an account name; add the key username
trunks/telco-b.toml:7:17: error: "x" cannot be read: No such file or directory (os error 2); the path counts from the configuration directory; the gateway's user must be able to read it"#,
    ),
    (
        "seats.toml",
        r#"queues = ["laut", "darurat", { queue = "cadangan", tier = 2 }]"#,
        r#"queues = ["laut", "cadngan"]"#,
        r#"seats.toml:40:19: error: no queue is called "cadngan"; did you mean "cadangan"?"#,
    ),
    (
        "seats.toml",
        r#"operator = "siti""#,
        r#"operator = "sitti""#,
        r#"seats.toml:25:12: error: no operator is called "sitti"; did you mean "siti"?"#,
    ),
    (
        "seats.toml",
        r#"name = "seat-2""#,
        r#"name = "seat-1""#,
        r#"seats.toml:31:8: error: seat "seat-1" exists twice; the first one stands at seats.toml:23:8; keep one of them, or rename it"#,
    ),
    (
        "seats.toml",
        r#"name = "seat-2""#,
        r#"name = "seat-2"
username = "seat-1""#,
        r#"seats.toml:32:12: error: account "seat-1" exists twice; the first one stands at seats.toml:23:8; keep one of them, or rename it"#,
    ),
    (
        "seats.toml",
        r#"password = "siaga112-contoh-2""#,
        "",
        r#"seats.toml:30:1: error: the account "seat-2" has no password; add password_file, password_env, or ha1_md5 and ha1_sha256"#,
    ),
    (
        "seats.toml",
        r#"password = "siaga112-contoh-2""#,
        r#"ha1_md5 = "siaga112-contoh-2""#,
        "seats.toml:36:11: error: ha1_md5 is no hash of username:domain:password; write its 32 hexadecimal digits",
    ),
    (
        "seats.toml",
        r#"password = "siaga112-contoh-2""#,
        r#"password = "siaga112-contoh-2"
ha1_md5 = "0123456789abcdef0123456789abcdef""#,
        "seats.toml:30:1: error: the account has both a password and its hash; keep one of them",
    ),
    (
        "seats.toml",
        r#"password = "siaga112-contoh-2""#,
        r#"passwrd = "siaga112-contoh-2""#,
        r#"seats.toml:30:1: error: the account "seat-2" has no password; add password_file, password_env, or ha1_md5 and ha1_sha256
seats.toml:36:1: error: unknown key "passwrd" in [[seat]]; did you mean "password"?"#,
    ),
    (
        "seats.toml",
        r#"password = "siaga112-contoh-2""#,
        r#"password = """#,
        "seats.toml:36:12: error: the password is empty or has a line break in it; give one line of text",
    ),
    (
        "seats.toml",
        r#"name = "budi""#,
        r#"name = "siti""#,
        r#"seats.toml:11:8: error: operator "siti" exists twice; the first one stands at seats.toml:7:8; keep one of them, or rename it
seats.toml:33:12: error: no operator is called "budi"; known operators: dewi, rahmat, siti"#,
    ),
    (
        "seats.toml",
        "auto_ready = true",
        "auto_ready = 1",
        r#"seats.toml:27:14: error: "auto_ready" is a number, not true or false; write true or false"#,
    ),
    (
        "categories.toml",
        r#"code = "hewan-liar""#,
        r#"code = "kebakaran""#,
        r#"categories.toml:115:8: error: category "kebakaran" exists twice; the first one stands at categories.toml:7:8; keep one of them, or rename it"#,
    ),
    (
        "categories.toml",
        r#""sos.gas""#,
        r#""sos.police""#,
        r#"categories.toml:63:13: error: service "sos.police" exists twice; the first one stands at categories.toml:19:25; keep one of them, or rename it"#,
    ),
    (
        "categories.toml",
        r#"name_en = "Fire""#,
        "",
        r#"categories.toml:6:1: error: key "name_en" is missing in [[category]]; write for example name_en = "Fire""#,
    ),
    (
        "categories.toml",
        r#"{ code = "lahan""#,
        r#"{ code = "rumah""#,
        r#"categories.toml:13:12: error: sub-category "rumah" exists twice; the first one stands at categories.toml:12:12; keep one of them, or rename it"#,
    ),
    (
        "categories.toml",
        r#", name_en = "Gas leak""#,
        "",
        r#"categories.toml:16:3: error: key "name_en" is missing in sub; write for example name_en = "Murder""#,
    ),
    (
        "categories.toml",
        r#"eido = "FUNK""#,
        r#"eido = "fire""#,
        r#"categories.toml:10:8: error: "fire" is no code of an incident's type; write a code of EIDO-IncidentType-Common, for example "FSTRU""#,
    ),
    (
        "places/kecamatan.csv",
        "35.29.03,Manding,,",
        "35.29.03,Manding,",
        "places/kecamatan.csv:4:1: error: the row has 6 fields, not 7; write code,name,aliases,zone,sea_access,area_code,note; an empty field is nothing between two commas",
    ),
    (
        "places/kecamatan.csv",
        "35.29.03,",
        "35.29.3,",
        r#"places/kecamatan.csv:4:1: error: "35.29.3" is no kecamatan code; write the Ministry of Home Affairs' code, for example 35.29.01"#,
    ),
    (
        "places/kecamatan.csv",
        "35.29.03,",
        "35.29.02,",
        r#"places/kecamatan.csv:4:1: error: kecamatan "35.29.02" exists twice; the first one stands at places/kecamatan.csv:3:1; keep one of them, or rename it"#,
    ),
    (
        "places/kecamatan.csv",
        "Manding,,mainland",
        "Manding,,land",
        r#"places/kecamatan.csv:4:1: error: "land" is no zone; write mainland or island into the column zone"#,
    ),
    (
        "places/kecamatan.csv",
        "code,name",
        "kode,nama",
        "places/kecamatan.csv:1:1: error: the first line does not name the columns; let the first line be code,name,aliases,zone,sea_access,area_code,note",
    ),
    (
        "queues.toml",
        r#"name = "darurat""#,
        "name = darurat",
        "queues.toml:5:8: error: this is not TOML: string values must be quoted, expected literal string; see toml.io; until then nothing in this file is checked",
    ),
    (
        "seats.toml",
        r#"password = "siaga112-contoh-2""#,
        r#"password = "siaga112-contoh-2"#,
        r#"seats.toml:36:30: error: this is not TOML: invalid basic string, expected `"`; see toml.io; until then nothing in this file is checked"#,
    ),
    (
        "seats.toml",
        r#"password = "siaga112-contoh-2""#,
        r#"password = "siaga112-contoh-2"
password = "siaga112-contoh-2""#,
        "seats.toml:37:1: error: this is not TOML: duplicate key; see toml.io; until then nothing in this file is checked",
    ),
    (
        "gateway.toml",
        r#"["udp://0.0.0.0:5060"]"#,
        "[]",
        r#"gateway.toml:23:1: error: [sip] listens nowhere: no call could come in; write for example listen = ["udp://0.0.0.0:5060"]"#,
    ),
    (
        "gateway.toml",
        r#"listen = "127.0.0.1:8112""#,
        r#"listen = "127.0.0.1:8112"
session_idle_minutes = 4
session_hours = 0
trusted_proxies = ["localhost"]"#,
        r#"gateway.toml:38:24: error: session_idle_minutes = 4 is out of range; write a number from 5 to 1440, for example 60
gateway.toml:39:17: error: session_hours = 0 is out of range; write a number from 1 to 168, for example 12
gateway.toml:40:20: error: "localhost" is no network; write "198.51.100.7" or "198.51.100.0/24"; host names are not looked up"#,
    ),
    (
        "gateway.toml",
        r#"listen = "127.0.0.1:8112""#,
        r#"listen = "0.0.0.0:8112""#,
        "gateway.toml:37:10: error: [console] listens on 0.0.0.0:8112 without TLS: passwords and callers' numbers would pass in the clear; add tls_cert and tls_key; or listen on 127.0.0.1 behind a proxy with TLS, or name the proxy in trusted_proxies; or say plain_http = true where nobody else is in that network",
    ),
    (
        "gateway.toml",
        r#"listen = "127.0.0.1:8112""#,
        r#"listen = "127.0.0.1:8112"
second_factor = ["boss"]
lock_minutes = 999
map_tiles = "https://tiles.example/"
phone_url = "https://112.example"
tls_cert = "cert.pem""#,
        r#"gateway.toml:38:18: error: "boss" is no role; write "call-taker", "supervisor", "dispatcher", "admin" or "auditor"
gateway.toml:39:16: error: lock_minutes = 999 is out of range; write a number from 0 to 240, for example 15
gateway.toml:40:13: error: "https://tiles.example/" is no address of map tiles; write for example "https://tiles.112.sumenep.example/{z}/{x}/{y}.png"
gateway.toml:41:13: error: "https://112.example" is no address of a WebSocket; write for example "wss://112.sumenep.example/phone"
gateway.toml:42:12: error: a certificate without its key; add tls_key"#,
    ),
    (
        "gateway.toml",
        "",
        r#"[[console.token]]
name = "admin"
token = "1234567890123456""#,
        r#"gateway.toml:56:8: error: token "admin" exists twice; the first one stands at gateway.toml:39:8; keep one of them, or rename it"#,
    ),
    (
        "gateway.toml",
        r#"role = "supervisor""#,
        r#"role = "call-taker""#,
        r#"gateway.toml:40:8: error: a token of the configuration has no calls of its own, so it is no call taker's; make a person (`siaga112 passwd --person`), or write another role"#,
    ),
    (
        "gateway.toml",
        r#"role = "supervisor""#,
        r#"role = "boss""#,
        r#"gateway.toml:40:8: error: "boss" is no role; write "supervisor", "dispatcher", "admin" or "auditor""#,
    ),
    (
        "queues.toml",
        "",
        r#"[[queue]]
name = "kosong"
overflow = "tel:1""#,
        r#"queues.toml:57:12: error: "tel:1" is no number: 3 to 15 digits after tel:; write "queue:cadangan", "tel:+6281234567899" or "sip:ntpd@pamekasan.example""#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        "source = []",
        r#"trunks/telco-b.toml:4:1: error: the trunk "telco-b" has neither a source, nor a certificate's name, nor an account; add source = ["198.51.100.7"], tls_names, or username with a password"#,
    ),
    (
        "queues.toml",
        r#"overflow = ["tel:+6281234567899"]"#,
        r#"overflow = ["queue:cadangan"]"#,
        r#"queues.toml:53:13: error: the overflow goes in a circle: cadangan -> cadangan; let one of these queues go to a number outside instead"#,
    ),
    (
        "gateway.toml",
        "20000-29999",
        "65532-65535",
        r#"gateway.toml:30:9: error: the ports 65532-65535 are 2 pairs, 12 are needed; each call takes two pairs: write at least "65512-65535" for 4 seats"#,
    ),
];
