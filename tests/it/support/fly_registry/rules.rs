//! What Fly's registry takes, and what it refuses.

use data_encoding::BASE64;
use dumbc::nix::Sha256;
use serde_json::{Value, json};

use super::{Answer, App, Request, State};

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// Beginnings of macaroons.
const MACAROONS: [&str; 3] = ["fm1r_", "fm1a_", "fm2_"];

type Outcome = Result<Answer, Answer>;

pub(super) fn answer(state: &mut State, request: &Request) -> Answer {
    state.requests.push(format!("{} {}", request.method, request.path));
    authorize(state, request).and_then(|()| route(state, request)).unwrap_or_else(|refusal| refusal)
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({ "errors": [{ "code": code, "message": message }] }).to_string().into_bytes();
    Answer { status, headers: vec![("content-type", "application/json".to_owned())], body }
}

/// The user is `x`; the password tokens, and where there are macaroons, nothing else.
fn authorize(state: &State, request: &Request) -> Result<(), Answer> {
    let refused = |message: &str| {
        let mut answer = refusal(401, "UNAUTHORIZED", message);
        answer.headers.push(("www-authenticate", "Basic realm=\"registry.fly.io\"".to_owned()));
        Err(answer)
    };
    let Some(shown) = request.headers.get("authorization") else { return refused("authentication required") };
    let pair = shown.strip_prefix("Basic ").and_then(|pair| BASE64.decode(pair.as_bytes()).ok());
    let pair = pair.and_then(|pair| String::from_utf8(pair).ok()).unwrap_or_default();
    let Some(("x", password)) = pair.split_once(':') else { return refused("the user is not x") };
    let tokens = password.split(',').collect::<Vec<_>>();
    let is_macaroon = |token: &&str| MACAROONS.iter().any(|beginning| token.starts_with(beginning));
    let macaroons = tokens.iter().filter(|token| is_macaroon(token)).count();
    if macaroons > 0 && macaroons < tokens.len() {
        return refused("macaroons and other tokens do not mix");
    }
    if tokens.iter().any(|&token| state.expired.contains(token)) {
        return refused("token validation error: macaroon expired");
    }
    if tokens.iter().all(|&token| state.tokens.contains(token)) { Ok(()) } else { refused("unknown token") }
}

fn route(state: &mut State, request: &Request) -> Outcome {
    let path = request.path.strip_prefix("/v2/").ok_or_else(|| refusal(404, "NOT_FOUND", "no such path"))?;
    if path.is_empty() {
        return Ok(Answer { status: 200, ..Answer::default() });
    }
    let unknown = || refusal(404, "NAME_UNKNOWN", "app repository not found");
    let kinds = ["/blobs/uploads/", "/blobs/", "/manifests/", "/referrers/"];
    let (name, kind, rest) = kinds
        .into_iter()
        .find_map(|kind| path.split_once(kind).map(|(name, rest)| (name, kind, rest)))
        .ok_or_else(unknown)?;
    let State { apps, uploads, .. } = state;
    let app = apps.get_mut(name).ok_or_else(unknown)?;
    match (kind, request.method.as_str()) {
        ("/blobs/uploads/", "POST") => begin(app, uploads, name, request),
        ("/blobs/uploads/", method) => {
            let gone = || refusal(404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
            let id = rest.parse::<usize>().ok().filter(|id| uploads.contains_key(id)).ok_or_else(gone)?;
            let bytes = uploads.get_mut(&id).ok_or_else(gone)?;
            bytes.extend(&request.body);
            match method {
                "PATCH" | "GET" => Ok(under_way(name, id, bytes.len(), if method == "GET" { 204 } else { 202 })),
                "PUT" => {
                    let bytes = uploads.remove(&id).unwrap_or_default();
                    keep(app, name, bytes, request.query.get("digest"))
                }
                _ => Err(refusal(405, "UNSUPPORTED", "no such method")),
            }
        }
        ("/blobs/", _) => {
            let blob = app.blobs.get(rest).ok_or_else(|| refusal(404, "BLOB_UNKNOWN", "no such blob"))?;
            Ok(content(rest, blob, "application/octet-stream"))
        }
        ("/manifests/", "PUT") => put_manifest(app, name, rest, request),
        ("/manifests/", _) => {
            let digest = app.tags.get(rest).map_or(rest, String::as_str);
            let bytes = app.manifests.get(digest);
            Ok(content(digest, bytes.ok_or_else(|| refusal(404, "MANIFEST_UNKNOWN", "no such manifest"))?, MANIFEST))
        }
        _ => Err(refusal(404, "NOT_FOUND", "no such path")),
    }
}

fn content(digest: &str, bytes: &[u8], media_type: &str) -> Answer {
    let headers = vec![
        ("content-type", media_type.to_owned()),
        ("docker-content-digest", digest.to_owned()),
        ("content-length", bytes.len().to_string()),
    ];
    Answer { status: 200, headers, body: bytes.to_vec() }
}

/// An upload begins. Nothing is mounted from another app: it goes on as an upload.
fn begin(app: &mut App, uploads: &mut super::BTreeMap<usize, Vec<u8>>, name: &str, request: &Request) -> Outcome {
    if let Some(digest) = request.query.get("mount").filter(|digest| app.blobs.contains_key(*digest))
        && request.query.get("from").is_some_and(|from| from == name)
    {
        return Ok(created(format!("/v2/{name}/blobs/{digest}"), digest));
    }
    if let Some(digest) = request.query.get("digest") {
        return keep(app, name, request.body.clone(), Some(digest));
    }
    let id = uploads.last_key_value().map_or(1, |(last, _)| last + 1);
    uploads.insert(id, Vec::new());
    Ok(under_way(name, id, 0, 202))
}

fn under_way(name: &str, id: usize, length: usize, status: u16) -> Answer {
    let range = format!("0-{}", length.saturating_sub(1));
    let headers = vec![("location", format!("/v2/{name}/blobs/uploads/{id}")), ("range", range)];
    Answer { status, headers, body: Vec::new() }
}

fn created(location: String, digest: &str) -> Answer {
    let headers = vec![("location", location), ("docker-content-digest", digest.to_owned())];
    Answer { status: 201, headers, body: Vec::new() }
}

fn keep(app: &mut App, name: &str, bytes: Vec<u8>, digest: Option<&String>) -> Outcome {
    let found = Sha256::of(&bytes).oci();
    if digest != Some(&found) {
        return Err(refusal(400, "DIGEST_INVALID", "these bytes have another digest"));
    }
    app.blobs.insert(found.clone(), bytes);
    Ok(created(format!("/v2/{name}/blobs/{found}"), &found))
}

fn put_manifest(app: &mut App, name: &str, reference: &str, request: &Request) -> Outcome {
    check_manifest(app, request)?;
    let digest = Sha256::of(&request.body).oci();
    if reference.contains(':') {
        if reference != digest {
            return Err(refusal(400, "DIGEST_INVALID", "this manifest has another digest"));
        }
    } else {
        app.tags.insert(reference.to_owned(), digest.clone());
    }
    app.manifests.insert(digest.clone(), request.body.clone());
    Ok(created(format!("/v2/{name}/manifests/{digest}"), &digest))
}

/// Docker's schema 2 alone, of one image, with gzipped layers, all of which are there.
fn check_manifest(app: &App, request: &Request) -> Result<(), Answer> {
    let invalid = |message: &str| Err(refusal(400, "MANIFEST_INVALID", message));
    if request.headers.get("content-type").is_none_or(|media_type| media_type != MANIFEST) {
        return invalid("only a Docker manifest of schema 2 is taken");
    }
    let Ok(manifest) = serde_json::from_slice::<Value>(&request.body) else { return invalid("no JSON") };
    if manifest["mediaType"] != MANIFEST || manifest["schemaVersion"] != 2 {
        return invalid("the document is no Docker manifest of schema 2");
    }
    let Some(layers) = manifest["layers"].as_array().filter(|layers| !layers.is_empty()) else {
        return invalid("it has no layers");
    };
    let blob = |descriptor: &Value, media_type: &str| {
        let blob = app.blobs.get(descriptor["digest"].as_str().unwrap_or_default());
        let blob = blob.filter(|blob| descriptor["size"].as_u64() == Some(blob.len() as u64));
        match blob {
            None => Err(refusal(400, "MANIFEST_BLOB_UNKNOWN", "a blob of it is not here")),
            Some(_) if descriptor["mediaType"] != media_type => {
                Err(refusal(400, "MANIFEST_INVALID", "a blob of it has a type that is not taken"))
            }
            Some(blob) => Ok(blob),
        }
    };
    blob(&manifest["config"], CONFIG)?;
    for layer in layers {
        if !blob(layer, LAYER)?.starts_with(&[0x1f, 0x8b]) {
            return invalid("a layer is not gzipped");
        }
    }
    Ok(())
}
