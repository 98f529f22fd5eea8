//! A provider's TLS: certificates of an authority of the test's own, and a front that speaks TLS for a provider that does not.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// Somebody who signs certificates.
pub(crate) struct Authority {
    root: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// What a server shows of itself.
pub(crate) struct Certified {
    chain: Vec<CertificateDer<'static>>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        Self { pem: root.pem(), root: root.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// Its own certificate.
    pub(crate) fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    /// The same for a file.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Signs for this host, until the end of that year.
    pub(crate) fn certify(&self, host: &str, last_year: i32) -> Certified {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_after = date_time_ymd(last_year, 12, 31);
        let key = KeyPair::generate().unwrap();
        let chain = vec![params.signed_by(&key, &self.issuer).unwrap().der().clone()];
        Certified { chain, key: key.serialize_der().into() }
    }
}

/// An address where TLS is spoken.
pub(crate) struct Front {
    pub(crate) addr: SocketAddr,
    accepted: watch::Receiver<usize>,
}

impl Front {
    /// Passes what it hears on to `inner`. It offers these protocols.
    pub(crate) async fn start(inner: SocketAddr, shown: Certified, protocols: &[&str]) -> Self {
        let versions = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions();
        let mut config = versions.unwrap().with_no_client_auth().with_single_cert(shown.chain, shown.key.into()).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (accepted, accepted_rx) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((outer, _)) = listener.accept().await {
                accepted.send_modify(|n| *n += 1);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    outer.set_nodelay(true).unwrap();
                    let Ok(mut outer) = acceptor.accept(outer).await else { return };
                    let mut inner = TcpStream::connect(inner).await.unwrap();
                    inner.set_nodelay(true).unwrap();
                    let _ = copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
        Self { addr, accepted: accepted_rx }
    }

    /// Where it is, for an account.
    pub(crate) fn base(&self) -> String {
        format!("https://localhost:{}", self.addr.port())
    }

    /// How many connections were made to it.
    pub(crate) fn accepted(&self) -> usize {
        *self.accepted.borrow()
    }
}
