//! Names to addresses. The client asks for each request, pooled connections or not; a build has hundreds of requests to one host,
//! and name servers that are asked so often make it wait.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Authority;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// So long an answer holds.
const FRESH: Duration = Duration::from_mins(1);

/// Asks the system, and remembers its answers for a while.
#[derive(Debug, Default)]
pub(crate) struct Remembering {
    system: DefaultResolver,
    known: Mutex<BTreeMap<String, (Instant, ResolvedSocketAddrs)>>,
}

impl Remembering {
    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Instant, ResolvedSocketAddrs)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver for Remembering {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = format!("{:?} {:?}", uri.scheme_str(), uri.authority().map(Authority::as_str));
        let remembered = self.known().get(&host).filter(|(asked, _)| asked.elapsed() < FRESH).cloned();
        if let Some((_, addresses)) = remembered {
            return Ok(addresses);
        }
        let addresses = self.system.resolve(uri, config, timeout)?;
        self.known().insert(host, (Instant::now(), addresses.clone()));
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};

    use ureq::Agent;
    use ureq::unversioned::transport::DefaultConnector;

    use super::*;

    fn answering(asked: Instant, address: SocketAddr) -> Agent {
        let resolver = Remembering::default();
        let mut addresses = resolver.empty();
        addresses.push(address);
        let host = "Some(\"http\") Some(\"nowhere.invalid\")".to_owned();
        resolver.known().insert(host, (asked, addresses));
        Agent::with_parts(Agent::config_builder().build(), DefaultConnector::new(), resolver)
    }

    #[test]
    fn an_answer_holds_for_a_while() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
        });
        let answer = answering(Instant::now(), address).get("http://nowhere.invalid/").call().unwrap();
        assert_eq!(answer.status(), 204);
        server.join().unwrap();
        // No name server knows the name, so it is asked anew only where this fails.
        let Some(old) = Instant::now().checked_sub(FRESH) else { return };
        assert!(answering(old, address).get("http://nowhere.invalid/").call().is_err());
    }
}
