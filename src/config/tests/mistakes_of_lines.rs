//! Mistakes in the outgoing side of trunks and in what is beside the calls: the file, what stands in
//! the sample, what is written instead, and what the admin reads.

pub(super) const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sbc.telco-b.example""#,
        r#"trunks/telco-b.toml:6:10: error: "sbc.telco-b.example" is no SIP address with a transport that we know; write for example "sip:sbc.telco-a.example", "sip:198.51.100.7:5060" or "sip:sbc.telco-a.example;transport=tls""#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sips:sbc.telco-b.example;transport=udp""#,
        r#"trunks/telco-b.toml:6:10: error: "sips:sbc.telco-b.example;transport=udp" is no SIP address with a transport that we know; write for example "sip:sbc.telco-a.example", "sip:198.51.100.7:5060" or "sip:sbc.telco-a.example;transport=tls""#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:sbc.telco-b.example:65536""#,
        r#"trunks/telco-b.toml:6:10: error: "sip:sbc.telco-b.example:65536" names no host and port that could be sent to; write for example "sip:sbc.telco-a.example", "sip:198.51.100.7:5060" or "sip:sbc.telco-a.example;transport=tls""#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:sbc_b.example""#,
        r#"trunks/telco-b.toml:6:10: error: "sip:sbc_b.example" names no host and port that could be sent to; write for example "sip:sbc.telco-a.example", "sip:198.51.100.7:5060" or "sip:sbc.telco-a.example;transport=tls""#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:112@sbc.telco-b.example""#,
        r#"trunks/telco-b.toml:6:10: error: "sip:112@sbc.telco-b.example" names somebody there; a carrier is meant; write for example "sip:sbc.telco-a.example", "sip:198.51.100.7:5060" or "sip:sbc.telco-a.example;transport=tls""#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:sbc.telco-b.example;transport=tls""#,
        r#"trunks/telco-b.toml:5:8: error: nothing can be sent to sip:sbc.telco-b.example;transport=tls: [sip] listen has no tls:// for it; add "tls://0.0.0.0:5061" to [sip] listen"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:[2001:db8::1]""#,
        r#"trunks/telco-b.toml:5:8: error: nothing can be sent to sip:[2001:db8::1]: [sip] listen has no udp:// for it; add "udp://[::]:5060" to [sip] listen"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"source = ["198.51.100.7/32"]
register = true"#,
        r#"trunks/telco-b.toml:4:1: error: "register" means nothing without a target; add for example target = "sip:sbc.telco-a.example", or remove it"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:sbc.telco-b.example"
register = true"#,
        r#"trunks/telco-b.toml:4:1: error: key "from_user" is missing in [[trunk]]; write for example from_user = "0328112", our own name at this carrier"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:sbc.telco-b.example"
outgoing_username = "siaga""#,
        r#"trunks/telco-b.toml:7:21: error: the account "siaga" at the carrier has no password; add outgoing_password_file or outgoing_password_env"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:sbc.telco-b.example"
outgoing_password_env = "NO_SUCH_VARIABLE""#,
        r#"trunks/telco-b.toml:7:25: error: the environment variable NO_SUCH_VARIABLE is not set; set it before the start, or use outgoing_password_file"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:sbc.telco-b.example"
outgoing_password = "x"
outgoing_password_file = "x""#,
        r#"trunks/telco-b.toml:4:1: error: the outgoing_password is given in 2 ways; keep one of outgoing_password_file, outgoing_password_env, outgoing_password"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:sbc.telco-b.example"
outgoing_password = "x""#,
        r#"trunks/telco-b.toml:4:1: error: a password for the carrier without an account name; add the key outgoing_username"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:sbc.telco-b.example"
from_user = "a b""#,
        r#"trunks/telco-b.toml:7:13: error: "a b" cannot stand before @; write the digits or the name that the carrier gave you, for example "0328112""#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:sbc.telco-b.example"
caller_id = "0328-112""#,
        r#"trunks/telco-b.toml:7:13: error: "0328-112" is no number; write 1 to 15 digits without spaces, with or without + before them"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"target = "sip:sbc.telco-b.example"
probe_seconds = 3601"#,
        r#"trunks/telco-b.toml:7:17: error: probe_seconds = 3601 is out of range; write a number from 0 to 3600, for example 30"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"source = ["198.51.100.7/32"]
quiet_alarm_minutes = -1"#,
        r#"trunks/telco-b.toml:7:23: error: quiet_alarm_minutes = -1 is out of range; write a number from 0 to 10080, for example 0"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"source = ["198.51.100.7/32"]"#,
        r#"source = ["198.51.100.7/32"]
network = ""
identity_order = ["From", "PAI", "from"]
prefixes = ["8 is +628", "00=+", "00=+62"]"#,
        r#"trunks/telco-b.toml:7:11: error: the text is empty; write something, or leave the key out
trunks/telco-b.toml:8:27: error: "PAI" is no header that names a caller; write "P-Asserted-Identity", "Remote-Party-ID" or "From"
trunks/telco-b.toml:8:34: error: the header is named twice; name each header once
trunks/telco-b.toml:9:13: error: "8 is +628" does not say what a beginning means; write digits, = and what they stand for: "8=+628" or "00=+"
trunks/telco-b.toml:9:34: error: "00" is given two meanings; keep one of them"#,
    ),
    (
        "gateway.toml",
        r#"listen = ["udp://0.0.0.0:5060"]"#,
        r#"listen = ["udp://0.0.0.0:5060"]
dns_servers = ["dns.example"]"#,
        r#"gateway.toml:25:16: error: "dns.example" is no address of a DNS server; write for example "192.0.2.53" or "127.0.0.1:5353""#,
    ),
    (
        "gateway.toml",
        "",
        "[hep]\ncapture_id = 0",
        r#"gateway.toml:55:1: error: key "collector" is missing in [hep]; write for example collector = "udp://192.0.2.5:9060"
gateway.toml:56:14: error: capture_id = 0 is out of range; write a number from 1 to 4294967295, for example 112"#,
    ),
    (
        "gateway.toml",
        "",
        "[hep]\ncollector = \"tcp://192.0.2.5:9060\"",
        r#"gateway.toml:56:13: error: "tcp://192.0.2.5:9060" is no collector; write udp://, an address and a port: "udp://192.0.2.5:9060""#,
    ),
    (
        "gateway.toml",
        "",
        "[hep]\ncollector = \"udp://192.0.2.5:9060\"\npassword_env = \"HOMER\"",
        r#"gateway.toml:57:16: error: the environment variable HOMER is not set; set it before the start, or remove password_env"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"codecs = ["pcma", "pcmu"]"#,
        r#"codecs = ["pcma", "g729"]"#,
        r#"trunks/telco-b.toml:12:19: error: "g729" is no codec that can be spoken; write "pcma", "pcmu", "g722" or "opus""#,
    ),
    (
        "trunks/telco-b.toml",
        r#"codecs = ["pcma", "pcmu"]"#,
        r#"codecs = ["pcma", "PCMA"]"#,
        r#"trunks/telco-b.toml:12:19: error: the codec "PCMA" is named twice; keep one of them"#,
    ),
    (
        "trunks/telco-b.toml",
        r#"codecs = ["pcma", "pcmu"]"#,
        r#"srtp = "always""#,
        r#"trunks/telco-b.toml:12:8: error: "always" says nothing of encrypted audio; write "off", "preferred" (where the peer can) or "required""#,
    ),
    (
        "trunks/telco-b.toml",
        r#"codecs = ["pcma", "pcmu"]"#,
        r#"text = "rtt""#,
        r#"trunks/telco-b.toml:12:8: error: "text" is a text, not true or false; write true or false"#,
    ),
    (
        "seats.toml",
        r#"password = "siaga112-contoh-1""#,
        r#"srtp_keys = "zrtp"
password = "siaga112-contoh-1""#,
        r#"seats.toml:28:13: error: "zrtp" is no way to agree on keys; write "sdes" (in the description) or "dtls" (on the media path)"#,
    ),
    (
        "gateway.toml",
        r#"ports = "20000-29999""#,
        r#"browser_port = 20010
ports = "20000-29999""#,
        r#"gateway.toml:30:16: error: the port 20010 of browsers lies within the media ports; move one of them: 19999 is free"#,
    ),
    (
        "gateway.toml",
        r#"ports = "20000-29999""#,
        r#"browser_addresses = ["192.0.2.1", "192.0.2.1"]
ports = "20000-29999""#,
        r#"gateway.toml:30:35: error: 192.0.2.1 is written twice; remove one of them"#,
    ),
    (
        "gateway.toml",
        r#"ports = "20000-29999""#,
        r#"browser_port = 5060
ports = "20000-29999""#,
        r#"gateway.toml:30:16: error: the SIP listener udp://0.0.0.0:5060 has the port of browsers; move one of them"#,
    ),
];
