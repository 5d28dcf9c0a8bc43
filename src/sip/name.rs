//! Header names: the known ones as an enum with their canonical and compact forms.

use std::fmt;

macro_rules! names {
    ($($(#[$doc:meta])* $variant:ident = $text:literal $(/ $compact:literal)?),+ $(,)?) => {
        /// A header name. Compared without case (RFC 3261 §7.3.1), compact forms understood
        /// (§7.3.3), written in its canonical form.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each variant is the header that its name says")]
        pub enum Name {
            $($(#[$doc])* $variant,)+
            /// Any other header, as it came.
            Other(Box<str>),
        }

        impl Name {
            /// The name as we write it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }

            /// Reads a name in its long or compact form.
            #[must_use]
            pub fn read(text: &str) -> Self {
                $(
                    if text.eq_ignore_ascii_case($text)
                        $(|| text.eq_ignore_ascii_case($compact))?
                    {
                        return Self::$variant;
                    }
                )+
                Self::Other(text.into())
            }
        }
    };
}

names! {
    Via = "Via" / "v",
    From = "From" / "f",
    To = "To" / "t",
    CallId = "Call-ID" / "i",
    CSeq = "CSeq",
    MaxForwards = "Max-Forwards",
    Contact = "Contact" / "m",
    ContentType = "Content-Type" / "c",
    ContentLength = "Content-Length" / "l",
    ContentId = "Content-ID",
    ContentDisposition = "Content-Disposition",
    ContentEncoding = "Content-Encoding" / "e",
    Route = "Route",
    RecordRoute = "Record-Route",
    Expires = "Expires",
    MinExpires = "Min-Expires",
    Allow = "Allow",
    Supported = "Supported" / "k",
    Require = "Require",
    ProxyRequire = "Proxy-Require",
    Unsupported = "Unsupported",
    Accept = "Accept",
    AcceptLanguage = "Accept-Language",
    UserAgent = "User-Agent",
    Server = "Server",
    Authorization = "Authorization",
    WwwAuthenticate = "WWW-Authenticate",
    ProxyAuthorization = "Proxy-Authorization",
    ProxyAuthenticate = "Proxy-Authenticate",
    PAssertedIdentity = "P-Asserted-Identity",
    PPreferredIdentity = "P-Preferred-Identity",
    RemotePartyId = "Remote-Party-ID",
    Privacy = "Privacy",
    Diversion = "Diversion",
    HistoryInfo = "History-Info",
    PChargingVector = "P-Charging-Vector",
    PAccessNetworkInfo = "P-Access-Network-Info",
    CellularNetworkInfo = "Cellular-Network-Info",
    Geolocation = "Geolocation",
    CallInfo = "Call-Info",
    AlertMsgError = "AlertMsg-Error",
    AlertInfo = "Alert-Info",
    AnswerMode = "Answer-Mode",
    ResourcePriority = "Resource-Priority",
    Priority = "Priority",
    PEarlyMedia = "P-Early-Media",
    SessionExpires = "Session-Expires" / "x",
    MinSe = "Min-SE",
    Reason = "Reason",
    RetryAfter = "Retry-After",
    Warning = "Warning",
    Date = "Date",
    Subject = "Subject" / "s",
    MimeVersion = "MIME-Version",
    ReferTo = "Refer-To" / "r",
    ReferSub = "Refer-Sub",
    ReferredBy = "Referred-By" / "b",
    SubscriptionState = "Subscription-State",
    Event = "Event" / "o",
    AllowEvents = "Allow-Events" / "u",
    RSeq = "RSeq",
    RAck = "RAck",
    InfoPackage = "Info-Package",
    RecvInfo = "Recv-Info",
    Path = "Path",
    FlowTimer = "Flow-Timer",
    Replaces = "Replaces",
    AcceptContact = "Accept-Contact" / "a",
    RejectContact = "Reject-Contact" / "j",
    RequestDisposition = "Request-Disposition" / "d",
    Identity = "Identity" / "y",
    IdentityInfo = "Identity-Info" / "n",
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Name {
    /// Whether the header's value is a comma-separated list that may stand in one line or in
    /// several (RFC 3261 §7.3.1). Others may hold a comma of their own (Date, Authorization).
    #[must_use]
    pub const fn is_list(&self) -> bool {
        matches!(
            self,
            Self::Via
                | Self::Contact
                | Self::Route
                | Self::RecordRoute
                | Self::Allow
                | Self::Supported
                | Self::Require
                | Self::ProxyRequire
                | Self::Unsupported
                | Self::Accept
                | Self::AcceptLanguage
                | Self::PAssertedIdentity
                | Self::PPreferredIdentity
                | Self::RemotePartyId
                | Self::Diversion
                | Self::HistoryInfo
                | Self::PAccessNetworkInfo
                | Self::CellularNetworkInfo
                | Self::Geolocation
                | Self::CallInfo
                | Self::ResourcePriority
                | Self::Reason
                | Self::Path
                | Self::AllowEvents
                | Self::ContentEncoding
                | Self::AcceptContact
                | Self::RejectContact
                | Self::RequestDisposition
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_compact_and_unknown_names_are_read() {
        assert_eq!(Name::read("call-id"), Name::CallId);
        assert_eq!(Name::read("i"), Name::CallId);
        assert_eq!(Name::read("M"), Name::Contact);
        assert_eq!(Name::read("X-Lokasi").as_str(), "X-Lokasi");
    }

    /// Every compact form that IANA lists.
    #[test]
    fn every_compact_form_is_its_long_one() {
        let table = [
            ("a", "Accept-Contact"),
            ("b", "Referred-By"),
            ("c", "Content-Type"),
            ("d", "Request-Disposition"),
            ("e", "Content-Encoding"),
            ("f", "From"),
            ("i", "Call-ID"),
            ("j", "Reject-Contact"),
            ("k", "Supported"),
            ("l", "Content-Length"),
            ("m", "Contact"),
            ("n", "Identity-Info"),
            ("o", "Event"),
            ("r", "Refer-To"),
            ("s", "Subject"),
            ("t", "To"),
            ("u", "Allow-Events"),
            ("v", "Via"),
            ("x", "Session-Expires"),
            ("y", "Identity"),
        ];
        for (compact, long) in table {
            for form in [compact.to_owned(), compact.to_uppercase(), long.to_uppercase()] {
                assert_eq!(Name::read(&form).as_str(), long, "{form}");
                assert!(!matches!(Name::read(&form), Name::Other(_)), "{form}");
            }
        }
    }
}
