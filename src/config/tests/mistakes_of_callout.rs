//! Mistakes about who is called out; as in `mistakes`.

pub(super) const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (
        "callout.toml",
        "[[contact]]\nname = \"damkar\"",
        "[[contct]]\nname = \"damkar\"",
        r#"callout.toml:7:3: error: unknown key "contct" at the top of this file; did you mean "contact"?
callout.toml:145:22: error: no contact is called "damkar"; known contacts: basarnas, bpbd, camat-arjasa, camat-kangayan, camat-masalembu, camat-sapeken, kepala-bpbd, pkm-arjasa, pkm-masalembu, pkm-sapeken, polres, psc-119, …"#,
    ),
    (
        "callout.toml",
        "name = \"psc-119\"",
        "name = \"damkar\"",
        r#"callout.toml:16:8: error: contact "damkar" exists twice; the first one stands at callout.toml:8:8; keep one of them, or rename it
callout.toml:132:15: error: no contact is called "psc-119"; known contacts: basarnas, bpbd, camat-arjasa, camat-kangayan, camat-masalembu, camat-sapeken, damkar, kepala-bpbd, pkm-arjasa, pkm-masalembu, pkm-sapeken, polres, …
callout.toml:139:22: error: no contact is called "psc-119"; known contacts: basarnas, bpbd, camat-arjasa, camat-kangayan, camat-masalembu, camat-sapeken, damkar, kepala-bpbd, pkm-arjasa, pkm-masalembu, pkm-sapeken, polres, …"#,
    ),
    (
        "callout.toml",
        "agency = \"PSC 119\"",
        "agency = \"PCS 119\"\nduty = \"siang\"",
        r#"callout.toml:18:10: error: no category has the agency "PCS 119"; did you mean "PSC 119"?
callout.toml:19:1: error: unknown key "duty" in [[contact]]; known keys: name, full_name, agency, kecamatan, numbers, role, note"#,
    ),
    (
        "callout.toml",
        "kecamatan = [\"35.29.25\"]\nnumbers",
        "kecamatan = [\"35.29.99\"]\nnumbers",
        r#"callout.toml:78:14: error: no kecamatan is called "35.29.99"; did you mean "35.29.19"?
callout.toml:119:3: error: the chain "kepulauan" is proposed for Sapeken (35.29.25), where no further contact has the role "camat"; add these codes to the kecamatan of such a contact, or take them out of when"#,
    ),
    (
        "callout.toml",
        "numbers = [\"113\", \"+6281234567801\"]",
        "numbers = [\"113\", \"113\", \"11\", \"queue:darurat\", \"112\", \"tel:0811-22\", \"sip:@x.example\"]",
        r#"callout.toml:12:19: error: "113" stands here twice; keep one of them
callout.toml:12:26: error: "11" is no number; write 3 to 15 digits, "+6281234567801" or "115", or "sip:ntpd@pamekasan.example"
callout.toml:12:32: error: "queue:darurat" is no number; write 3 to 15 digits, "+6281234567801" or "115", or "sip:ntpd@pamekasan.example"
callout.toml:12:49: error: "112" is our own emergency number: the chain would call us; write the number of the contact
callout.toml:12:56: error: "tel:0811-22" is no number; write 3 to 15 digits, "+6281234567801" or "115", or "sip:ntpd@pamekasan.example"
callout.toml:12:71: error: "sip:@x.example" is no number; write 3 to 15 digits, "+6281234567801" or "115", or "sip:ntpd@pamekasan.example""#,
    ),
    (
        "callout.toml",
        "numbers = [\"+6281234567803\"]",
        "numbers = []",
        r#"callout.toml:22:1: error: the contact "rsud" has no number; write for example numbers = ["+6281234567801"]"#,
    ),
    (
        "callout.toml",
        "numbers = [\"+6281234567803\"]",
        "number = \"+6281234567803\"",
        r#"callout.toml:22:1: error: key "numbers" is missing in [[contact]]; write for example numbers = ["+6281234567801", "0327123456"]
callout.toml:27:1: error: unknown key "number" in [[contact]]; did you mean "numbers"?"#,
    ),
    (
        "callout.toml",
        "{ role = \"camat\", ring_seconds = 25 }",
        "{ role = \"canat\", ring_seconds = 2 }",
        r#"callout.toml:119:12: error: no contact has the role "canat"; did you mean "camat"?
callout.toml:119:36: error: ring_seconds = 2 is out of range; write a number from 5 to 120, for example 25"#,
    ),
    (
        "callout.toml",
        "{ contact = \"rsud\" }]",
        "{ contact = \"rusd\" }]",
        r#"callout.toml:139:47: error: no contact is called "rusd"; did you mean "rsud"?"#,
    ),
    (
        "callout.toml",
        "{ contact = \"rsud\" }]",
        "{ contact = \"psc-119\" }]",
        r#"callout.toml:139:47: error: the chain "medis" calls this contact twice; keep one of the steps: several numbers stand at the contact"#,
    ),
    (
        "callout.toml",
        "[{ contact = \"psc-119\" }, { contact = \"rsud\" }]",
        "[{ contact = \"psc-119\" }]",
        r#"callout.toml:135:1: error: the chain "medis" has fewer than two people; add a step: whoever does not answer must not be the end of it"#,
    ),
    (
        "callout.toml",
        "[{ contact = \"psc-119\" }, { contact = \"rsud\" }]",
        "[{ contact = \"psc-119\", role = \"psc\" }, { ring_seconds = 20 }]",
        r#"callout.toml:139:40: error: a step has a contact or a role, not both; keep one of them
callout.toml:139:49: error: this step calls nobody; write for example { contact = "bpbd" } or { role = "camat" }"#,
    ),
    (
        "callout.toml",
        "when = { category = [\"medis\"] }",
        "when = { category = [\"medik\"], kecamatan = [\"35.29.9\"] }",
        r#"callout.toml:138:22: error: no category is called "medik"; did you mean "medis"?
callout.toml:138:45: error: no kecamatan is called "35.29.9"; did you mean "35.29.19"?"#,
    ),
    (
        "callout.toml",
        "\"35.29.25\", \"35.29.27\"] }\nsteps",
        "\"35.29.25\", \"35.29.01\"] }\nsteps",
        r#"callout.toml:119:3: error: the chain "kepulauan" is proposed for Kota Sumenep (35.29.01), where no further contact has the role "camat"; add these codes to the kecamatan of such a contact, or take them out of when
callout.toml:120:3: error: the chain "kepulauan" is proposed for Kota Sumenep (35.29.01), where no further contact has the role "puskesmas"; add these codes to the kecamatan of such a contact, or take them out of when"#,
    ),
    (
        "callout.toml",
        "when = { kecamatan = [\"35.29.23\", \"35.29.24\", \"35.29.25\", \"35.29.27\"] }",
        "when = {}",
        r#"callout.toml:119:3: error: the chain "kepulauan" is proposed for Kota Sumenep (35.29.01), Kalianget (35.29.02), Manding (35.29.03), Talango (35.29.04), Bluto (35.29.05) and 18 more, where no further contact has the role "camat"; add these codes to the kecamatan of such a contact, or take them out of when
callout.toml:120:3: error: the chain "kepulauan" is proposed for Kota Sumenep (35.29.01), Kalianget (35.29.02), Manding (35.29.03), Talango (35.29.04), Bluto (35.29.05) and 18 more, where no further contact has the role "puskesmas"; add these codes to the kecamatan of such a contact, or take them out of when"#,
    ),
    (
        "callout.toml",
        "title = \"Laut: Basarnas, BPBD, PSC\"",
        "titel = \"Laut\"",
        r#"callout.toml:125:1: error: key "title" is missing in [[chain]]; write for example title = "Kepulauan"
callout.toml:127:1: error: unknown key "titel" in [[chain]]; did you mean "title"?"#,
    ),
    (
        "callout.toml",
        "name = \"laut\"\ntitle",
        "name = \"medis\"\ntitle",
        r#"callout.toml:136:8: error: chain "medis" exists twice; the first one stands at callout.toml:126:8; keep one of them, or rename it"#,
    ),
];
