//! Certificates of a test's own: one authority, and whatever it signs.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::aws_lc_rs::rand::SystemRandom;
use ::aws_lc_rs::signature;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CrlDistributionPoint, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// An authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A certificate with its key.
pub struct Identity {
    pub cert_pem: String,
    pub key_pem: String,
    cert: CertificateDer<'static>,
    key: Vec<u8>,
}

/// Who signs callers' numbers.
pub struct NumberSigner {
    pub cert_pem: String,
    pub serial: u64,
    key: Vec<u8>,
}

impl NumberSigner {
    /// The value of an Identity header over this header and these claims.
    pub fn identity(&self, header: &str, claims: &str, info: &str) -> String {
        use base64::Engine as _;
        use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
        let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let kind = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = signature::EcdsaKeyPair::from_pkcs8(kind, &self.key).expect("a key");
        let random = SystemRandom::new();
        let signature = key.sign(&random, signed.as_bytes()).expect("signed");
        format!("{signed}.{};info=<{info}>;alg=ES256", BASE64.encode(signature.as_ref()))
    }
}

impl Authority {
    /// One that nobody else has.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Authority of the suite");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate") }
    }

    /// A certificate for these names and addresses.
    pub fn sign(&self, names: &[&str]) -> Identity {
        self.sign_until(names, 4000)
    }

    /// The same, valid to the beginning of that year.
    pub fn sign_until(&self, names: &[&str], year: i32) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names.clone()).expect("names");
        // As carriers' and desks' certificates are made: a common name, and both uses.
        let named = names.iter().find(|name| name.parse::<std::net::IpAddr>().is_err());
        if let Some(name) = named {
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("signed");
        Identity {
            cert_pem: cert.pem(),
            key_pem: key.serialize_pem(),
            cert: cert.der().clone(),
            key: key.serialize_der(),
        }
    }

    /// Who signs callers' numbers (RFC 8226): a certificate with this TNAuthList, valid to the
    /// beginning of that year.
    pub fn sign_numbers(&self, tn_auth_list: &[u8], year: i32) -> NumberSigner {
        self.sign_numbers_listed(tn_auth_list, year, &[])
    }

    /// The same; the certificate names places where it would be listed were it revoked.
    pub fn sign_numbers_listed(
        &self,
        tn_auth_list: &[u8],
        year: i32,
        lists: &[String],
    ) -> NumberSigner {
        static SERIALS: AtomicU64 = AtomicU64::new(1_000);
        let serial = SERIALS.fetch_add(1, Ordering::Relaxed);
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "SHAKEN 709J");
        params.serial_number = Some(SerialNumber::from(serial));
        let point = |uri: &String| CrlDistributionPoint { uris: vec![uri.clone()] };
        params.crl_distribution_points = lists.iter().map(point).collect();
        params.not_after = date_time_ymd(year, 1, 1);
        let oid = [1, 3, 6, 1, 5, 5, 7, 1, 26];
        params.custom_extensions =
            vec![CustomExtension::from_oid_content(&oid, tn_auth_list.to_vec())];
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("signed");
        NumberSigner { cert_pem: cert.pem(), serial, key: key.serialize_der() }
    }

    /// The list of revoked certificates as of 2026, in PEM; a newer one is due with that month.
    pub fn revoke(&self, serials: &[u64], (year, month): (i32, u8)) -> String {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(year, month, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).expect("signed").pem().expect("PEM")
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Writes what a gateway needs: its certificate for `names`, and this authority for its peers.
    pub fn write(&self, config: &Path, names: &[&str]) {
        let folder = config.join("tls");
        fs::create_dir_all(&folder).expect("created");
        let own = self.sign(names);
        for (name, text) in
            [("cert.pem", own.cert_pem), ("key.pem", own.key_pem), ("ca.pem", self.pem())]
        {
            fs::write(folder.join(name), text).expect("written");
        }
    }

    /// A client that trusts this authority, and shows a certificate if it has one.
    pub fn client(&self, identity: Option<&Identity>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("an authority");
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        Arc::new(match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::try_from(identity.key.clone()).expect("a key");
                builder.with_client_auth_cert(vec![identity.cert.clone()], key).expect("a pair")
            }
        })
    }
}
