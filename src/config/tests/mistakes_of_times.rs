//! Mistakes about time zones, hours, days and dates; as in `mistakes`.

pub(super) const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (
        "gateway.toml",
        "area_code = \"0328\"",
        "area_code = \"0328\"\ntimezone = \"WITA\"",
        r#"gateway.toml:12:12: error: "WITA" is no time zone; did you mean "Asia/Makassar"?"#,
    ),
    (
        "gateway.toml",
        "area_code = \"0328\"",
        "area_code = \"0328\"\ntimezone = \"Asia/Jakrta\"",
        r#"gateway.toml:12:12: error: "Asia/Jakrta" is no time zone; did you mean "Asia/Jakarta"?"#,
    ),
    (
        "gateway.toml",
        "area_code = \"0328\"",
        "area_code = \"0328\"\ntimezone = \"+07:00\"",
        r#"gateway.toml:12:12: error: "+07:00" is no time zone; write "Asia/Jakarta", "Asia/Makassar" or "Asia/Jayapura""#,
    ),
    (
        "routing.toml",
        r#"when = { service = ["sos.marine"] }"#,
        r#"when = { hours = ["22.00-6.00", "06:00-06:00", "24:00-06:00", "22:00", "25:00-26:00"] }"#,
        r#"routing.toml:7:19: error: "22.00-6.00" are no hours; write "22:00-06:00"
routing.toml:7:33: error: "06:00-06:00" is no time at all: it ends when it begins; write "00:00-24:00" for a whole day, or leave hours out
routing.toml:7:48: error: "24:00-06:00" are no hours; write 00:00 for the beginning of a day
routing.toml:7:63: error: "22:00" are no hours; write from and to with colons, for example "22:00-06:00"
routing.toml:7:72: error: "25:00-26:00" are no hours; write from and to with colons, for example "22:00-06:00""#,
    ),
    (
        "routing.toml",
        r#"when = { service = ["sos.marine"] }"#,
        r#"when = { days = ["senin", "Friday", "sart", "holiday"], hour = "22:00-06:00" }"#,
        r#"routing.toml:7:18: error: "senin" is no day; write "mon"
routing.toml:7:27: error: "Friday" is no day; write "fri"
routing.toml:7:37: error: "sart" is no day; did you mean "sat"?
routing.toml:7:45: error: "holiday" is no day; days are written mon, tue, wed, thu, fri, sat, sun
routing.toml:7:57: error: unknown key "hour" in when; did you mean "hours"?"#,
    ),
    (
        "routing.toml",
        r#"when = { service = ["sos.marine"] }"#,
        r#"when = { dates = ["2026-02-30", "25-12-2026", "2026-12-26..2026-12-24"] }"#,
        r#"routing.toml:7:19: error: "2026-02-30" is no date; write year, month and day, "2026-12-25", or two with .. between them
routing.toml:7:33: error: "25-12-2026" is no date; write year, month and day, "2026-12-25", or two with .. between them
routing.toml:7:47: error: "2026-12-26..2026-12-24" ends before it begins; write "2026-12-24..2026-12-26""#,
    ),
    (
        "routing.toml",
        r#"when = { service = ["sos.marine"] }"#,
        r#"when = { days = ["mon"], dates = ["2026-12-25..2026-12-27"] }"#,
        r#"routing.toml:7:35: error: the rule is never true: none of its dates is on one of its days; leave days out, or write other dates"#,
    ),
    (
        "routing.toml",
        "when = {}",
        r#"when = { hours = ["00:00-24:00"] }"#,
        r#"routing.toml:27:1: error: the only rule for every call depends on the time; add as the last one: [[rule]] priority = 0, when = {}, queue = "darurat""#,
    ),
];
