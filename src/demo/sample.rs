//! The sample configuration of Sumenep, written out for the demo: the shipped files with free ports
//! and three carriers on loopback addresses.

use std::io;
use std::path::Path;

/// Our domain in the sample.
pub const DOMAIN: &str = "112.sumenep.example";

/// Seats that the demo seats people at, with the sample's passwords.
pub const SEATS: [(&str, &str); 3] = [
    ("seat-1", "siaga112-contoh-1"),
    ("seat-2", "siaga112-contoh-2"),
    ("seat-3", "siaga112-contoh-3"),
];

const FILES: [(&str, &str); 6] = [
    ("queues.toml", include_str!("../../config/queues.toml")),
    ("routing.toml", include_str!("../../config/routing.toml")),
    ("seats.toml", include_str!("../../config/seats.toml")),
    ("categories.toml", include_str!("../../config/categories.toml")),
    ("places/kecamatan.csv", include_str!("../../config/places/kecamatan.csv")),
    ("trunks/demo.toml", CARRIERS),
];

/// What callers hear who wait, in Indonesian.
const PROMPTS: [(&str, &[u8]); 4] = [
    ("id/menunggu.opus", include_bytes!("../../config/prompts/id/menunggu.opus")),
    ("id/diam-1.opus", include_bytes!("../../config/prompts/id/diam-1.opus")),
    ("id/diam-2.opus", include_bytes!("../../config/prompts/id/diam-2.opus")),
    ("musik.opus", include_bytes!("../../config/prompts/musik.opus")),
];

/// What stands otherwise than in the sample: nobody wants to watch an operator write for ten
/// seconds, or a caller be listened to for four.
const SHORTER: [(&str, &str); 5] = [
    ("wrap_up_seconds = 10 ", "wrap_up_seconds = 2 "),
    ("wrap_up_seconds = 10\n", "wrap_up_seconds = 2\n"),
    ("wrap_up_seconds = 20\n", "wrap_up_seconds = 2\n"),
    ("languages = [\"id\", \"mad\"]", "languages = [\"id\"]"),
    ("screen = \"while_waiting\"", "screen = \"while_waiting\"\nwelcome = []\nlisten_seconds = 2"),
];

/// The token of the demo's console.
pub const TOKEN: &str = "demo";

/// The first carrier plays its own ring-back tone; callers of the others hear us before the answer.
const CARRIERS: &str = r#"
[[trunk]]
name = "telco-a"
source = ["127.0.0.12"]
trust_identity = true
area_code = "0328"

[[trunk]]
name = "telco-b"
source = ["127.0.0.11"]
trust_identity = true
area_code = "0328"
early_media = "both"

[[trunk]]
name = "telco-c"
source = ["127.0.0.13"]
trust_identity = true
area_code = "0328"
early_media = "both"
"#;

/// The rest of a multipart body with a location in Sapeken.
pub const LOCATION: &str = "\r\n--demo\r\nContent-Type: application/pidf+xml\r\n\
Content-ID: <loc@demo>\r\n\r\n\
<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
xmlns:gp=\"urn:ietf:params:xml:ns:pidf:geopriv10\" \
xmlns:ca=\"urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr\" entity=\"pres:demo\">\
<tuple id=\"t\"><status><gp:geopriv><gp:location-info><ca:civicAddress><ca:country>ID</ca:country>\
<ca:A2>Sumenep</ca:A2><ca:A3>Sapeken</ca:A3></ca:civicAddress></gp:location-info>\
<gp:usage-rules/></gp:geopriv></status></tuple></presence>\r\n--demo--\r\n";

/// Writes the files; `data` is the data folder of the node.
///
/// # Errors
/// The folder or a file cannot be written.
pub fn write(folder: &Path, data: &Path) -> io::Result<()> {
    for (name, text) in FILES {
        let text =
            SHORTER.iter().fold(text.to_owned(), |text, (long, short)| text.replace(long, short));
        put(&folder.join(name), text.as_bytes())?;
    }
    for (name, audio) in PROMPTS {
        put(&folder.join("prompts").join(name), audio)?;
    }
    let gateway = format!(
        r#"
[node]
name = "demo.{DOMAIN}"
data_dir = {data:?}

[centre]
name = "NTPD 112 Sumenep (demo)"
area_code = "0328"
dialled = ["112", "0328112", "1120328", "+62328112", "62328112", "urn:service:sos", "urn:service:sos.*"]

[sip]
listen = ["udp://127.0.0.1:0"]
domain = "{DOMAIN}"

[media]
address = "127.0.0.1"
ports = "20000-29999"
record = true

[console]
listen = "127.0.0.1:0"

[[console.token]]
name = "demo"
role = "supervisor"
token = "{TOKEN}"
"#,
        data = data.display().to_string()
    );
    std::fs::write(folder.join("gateway.toml"), gateway)
}

fn put(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, content)
}
