//! Mistakes about where callers are: who is asked for it, cells and neighbours; as in `mistakes`.

pub(super) const MISTAKES: &[(&str, &str, &str, &str)] = &[
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
];
