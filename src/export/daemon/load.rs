//! Loading: what the daemon lacks, and that it has it then.

use crate::emit::EngineKind;
use crate::image::codec::{Codec, Packing};
use crate::image::documents::Form;
use crate::progress::Progress;
use crate::store::{Layer, Store};

use super::super::archive::Contents;
use super::super::{Error, Format, Image, ImageName};
use super::present::PODMAN;
use super::stream::Archive;
use super::{Daemon, DaemonError, SMALL, answer};

const ACTION: &str = "loading the image";

/// A daemon that an image goes to, and how.
pub struct Load<'a> {
    /// Which.
    pub daemon: &'a Daemon,
    /// What the image is called there.
    pub names: &'a [ImageName],
    /// Where narration goes.
    pub progress: &'a dyn Progress,
}

/// What loading did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// Bytes that went through the socket.
    pub sent: u64,
    /// The lowest layers, so many of them, were there and not sent.
    pub left_out: usize,
    /// The daemon had the image under all names, and nothing was sent.
    pub is_unchanged: bool,
}

impl Load<'_> {
    /// Loads one image, unless it is there. A damaged fragment is [`crate::store::Error::Damaged`].
    pub fn image(&self, store: &Store, image: &Image) -> Result<Loaded, Error> {
        let keeps_manifests = self.daemon.keeps_manifests()?;
        let mut ids = vec![image.id().hex()];
        if keeps_manifests {
            ids.push(image.digest(Form::OciUncompressed)?.0.hex());
        }
        if self.other_than(&ids)?.is_none() {
            return Ok(Loaded { sent: 0, left_out: 0, is_unchanged: true });
        }
        let format = if keeps_manifests { Format::Archive } else { Format::DockerArchive };
        let images = std::slice::from_ref(image);
        let whole = Contents { images, names: self.names, format, left_out: 0 };
        let is_classic = self.daemon.kind == EngineKind::Docker && !keeps_manifests;
        let repository = self.names.first().map(|name| name.name.as_str()).unwrap_or_default();
        let left_out = if is_classic { self.daemon.layers_present(image, repository)? } else { 0 };
        let mut loaded = Loaded { sent: 0, left_out, is_unchanged: false };
        match self.send(store, Contents { left_out, ..whole }) {
            Ok(sent) => loaded.sent = sent,
            Err(Error::Daemon(DaemonError::Refused { said, .. })) if left_out > 0 => {
                self.progress.note(&format!("sending all layers: without {left_out} of them, loading failed: {said}"));
                loaded.left_out = 0;
                loaded.sent = self.send(store, whole)?;
            }
            Err(error) => return Err(error),
        }
        match self.other_than(&ids)? {
            Some((name, found)) => {
                let (found, expected) = (found.unwrap_or_else(|| "nothing".to_owned()), image.id().hex());
                Err(DaemonError::OtherImage { daemon: self.daemon.name(), name, found, expected }.into())
            }
            None => Ok(loaded),
        }
    }

    /// The first name under which the daemon has another image than that of these IDs, or none, with what it has.
    fn other_than(&self, ids: &[String]) -> Result<Option<(String, Option<String>)>, DaemonError> {
        for name in self.names {
            let name = name.reference();
            let found = self.daemon.id_of(&name)?;
            if found.as_ref().is_none_or(|found| !ids.contains(found)) {
                return Ok(Some((name, found)));
            }
        }
        Ok(None)
    }

    /// Sends an archive; how many bytes it had.
    fn send(&self, store: &Store, contents: Contents<'_>) -> Result<u64, Error> {
        let daemon = self.daemon;
        let layers = contents.images.iter().flat_map(|image| &image.layers).map(|(layer, _)| layer);
        let codec = daemon.codec(layers.clone());
        let size = |layer: &Layer| if codec == Codec::None { layer.tar_size } else { layer.blob_size };
        let total = layers.skip(contents.left_out).map(size).sum();
        self.progress.begin(&format!("loading into {}", daemon.name()), Some(total));
        let path = match daemon.kind {
            EngineKind::Docker => "/images/load?quiet=1".to_owned(),
            EngineKind::Podman => format!("{PODMAN}/images/load"),
        };
        let (answered, (sent, fault)) = std::thread::scope(|scope| {
            let mut archive = Archive::begin(scope, store, contents, codec, self.progress)?;
            let answered = daemon.client.post(&path, &mut archive, SMALL);
            Ok::<_, Error>((answered, archive.end()))
        })?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        let answer = answered.map_err(|source| daemon.lost(ACTION, source))?;
        if answer.status != 200 {
            return Err(daemon.refused(ACTION, answer::refusal(answer.status, &answer.body)).into());
        }
        match answer::failure(&answer.body).map_err(|error| daemon.malformed(ACTION, &error))? {
            Some(said) => Err(daemon.refused(ACTION, said).into()),
            None => Ok(sent),
        }
    }
}

impl Daemon {
    /// How an archive of these layers is compressed. Here the daemon has nothing of it but inflating; over a network, bytes count.
    fn codec<'a>(&self, mut layers: impl Iterator<Item = &'a Layer>) -> Codec {
        let as_it_lies = layers.all(|layer| layer.packing() == Packing::Gzip);
        if self.is_remote && as_it_lies { Codec::default() } else { Codec::None }
    }
}
