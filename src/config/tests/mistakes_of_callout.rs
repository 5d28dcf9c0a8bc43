//! Mistakes about who is called out; as in `mistakes`.

pub(super) const MISTAKES: &[(&str, &str, &str, &str)] = &[
    ("callout.toml", "[[contact]]\nname = \"damkar\"", "[[contct]]\nname = \"damkar\"", r#"TODO"#),
    ("callout.toml", "name = \"psc-119\"", "name = \"damkar\"", r#"TODO"#),
    ("callout.toml", "agency = \"Damkar 113\"", "agency = \"Damkar 113 \"", r#"TODO"#),
    ("callout.toml", "agency = \"PSC 119\"", "agency = \"PCS 119\"\nduty = \"siang\"", r#"TODO"#),
    (
        "callout.toml",
        "kecamatan = [\"35.29.25\"]\nnumbers",
        "kecamatan = [\"35.29.99\"]\nnumbers",
        r#"TODO"#,
    ),
    (
        "callout.toml",
        "numbers = [\"113\", \"+6281234567801\"]",
        "numbers = [\"113\", \"113\", \"11\", \"queue:darurat\", \"112\", \"tel:0811-22\", \"sip:@x.example\"]",
        r#"TODO"#,
    ),
    ("callout.toml", "numbers = [\"+6281234567803\"]", "numbers = []", r#"TODO"#),
    ("callout.toml", "numbers = [\"+6281234567803\"]", "number = \"+6281234567803\"", r#"TODO"#),
    (
        "callout.toml",
        "{ role = \"camat\", ring_seconds = 25 }",
        "{ role = \"canat\", ring_seconds = 2 }",
        r#"TODO"#,
    ),
    ("callout.toml", "{ contact = \"rsud\" }]", "{ contact = \"rusd\" }]", r#"TODO"#),
    ("callout.toml", "{ contact = \"rsud\" }]", "{ contact = \"psc-119\" }]", r#"TODO"#),
    (
        "callout.toml",
        "[{ contact = \"psc-119\" }, { contact = \"rsud\" }]",
        "[{ contact = \"psc-119\" }]",
        r#"TODO"#,
    ),
    (
        "callout.toml",
        "[{ contact = \"psc-119\" }, { contact = \"rsud\" }]",
        "[{ contact = \"psc-119\", role = \"psc\" }, { ring_seconds = 20 }]",
        r#"TODO"#,
    ),
    (
        "callout.toml",
        "when = { category = [\"medis\"] }",
        "when = { category = [\"medik\"], kecamatan = [\"35.29.9\"] }",
        r#"TODO"#,
    ),
    (
        "callout.toml",
        "\"35.29.25\", \"35.29.27\"] }\nsteps",
        "\"35.29.25\", \"35.29.01\"] }\nsteps",
        r#"TODO"#,
    ),
    (
        "callout.toml",
        "when = { kecamatan = [\"35.29.23\", \"35.29.24\", \"35.29.25\", \"35.29.27\"] }",
        "when = {}",
        r#"TODO"#,
    ),
    ("callout.toml", "title = \"Laut: Basarnas, BPBD, PSC\"", "titel = \"Laut\"", r#"TODO"#),
    ("callout.toml", "name = \"laut\"\ntitle", "name = \"medis\"\ntitle", r#"TODO"#),
];
