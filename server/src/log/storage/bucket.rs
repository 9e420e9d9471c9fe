//! The log's resources in S3-compatible storage, shared by all servers of a registry.
//!
//! One publisher at a time writes, fenced by the database, and what exists is compared before anything is put in its
//! place. The checkpoint is put on condition that nobody replaced it since it was read, and once only: a write that comes
//! late must not undo another one. Some servers ignore conditions, so nothing relies on them alone: whoever publishes
//! reads the checkpoint again from time to time. Address and credentials come from the
//! environment (`AWS_ENDPOINT`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, …), never from input.

use super::{CHECKPOINT, Resource, Storage, StorageError, StoredCheckpoint};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    BackoffConfig, ClientConfigKey, ObjectStore, ObjectStoreExt, PutMode, RetryConfig, UpdateVersion,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
    path::Path,
};
use std::{
    fmt, io,
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};
use touchstone_schema::Sha256Digest;

/// Requests under way at the same time.
const AT_ONCE: usize = 16;
/// Longest time of one request, and of all attempts together.
const REQUEST: &str = "10 seconds";
const ATTEMPTS: Duration = Duration::from_secs(30);
const RETRIES: usize = 4;
/// How often a checkpoint is compared again because somebody else replaced it meanwhile.
const COMPARISONS: usize = 3;

/// Why a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The address or the environment does not describe one.
    #[error(
        "{url} is no usable bucket: {cause}. Write s3://bucket/prefix and set AWS_REGION, AWS_ACCESS_KEY_ID, \
             AWS_SECRET_ACCESS_KEY, and AWS_ENDPOINT for other services than Amazon's"
    )]
    Configuration {
        /// The address.
        url: String,
        /// What does not fit.
        cause: object_store::Error,
    },
    /// The thread that talks to it cannot be started.
    #[error("the thread for the bucket cannot be started: {0}")]
    Thread(io::Error),
}

/// A folder of a bucket.
pub struct Bucket {
    store: Arc<AmazonS3>,
    /// The same without further attempts, for the checkpoint.
    once: Arc<AmazonS3>,
    prefix: String,
    /// Requests run on a thread of its own, so that callers may be anywhere. Taken when the bucket is dropped.
    runtime: Option<Runtime>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("store", &self.store.to_string())
            .field("prefix", &self.prefix)
            .finish()
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Bucket {
    /// The bucket at `s3://bucket/prefix`. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`BucketError`].
    pub fn open(url: &str) -> Result<Self, BucketError> {
        // The process has one set of cryptographic primitives; if it is chosen already, so much the better.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let open = |max_retries| {
            let backoff = BackoffConfig::default();
            AmazonS3Builder::from_env()
                .with_url(url)
                .with_retry(RetryConfig { backoff, max_retries, retry_timeout: ATTEMPTS })
                .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST)
                .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::ConnectTimeout), REQUEST)
                .build()
                .map_err(|cause| BucketError::Configuration { url: url.to_owned(), cause })
        };
        let (store, once) = (open(RETRIES)?, open(0)?);
        let prefix = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path);
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("bucket").enable_all().build();
        Ok(Self {
            store: Arc::new(store),
            once: Arc::new(once),
            prefix: prefix.unwrap_or_default().trim_matches('/').to_owned(),
            runtime: Some(runtime.map_err(BucketError::Thread)?),
        })
    }

    fn path(&self, path: &str) -> Path {
        Path::from(format!("{}/{path}", self.prefix))
    }

    /// Waits for work on the bucket's own thread.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let gone = || io::Error::other("the thread for the bucket ended");
        let runtime = self.runtime.as_ref().ok_or_else(gone)?;
        runtime.spawn(async move {
            let _ = sender.send(work.await);
        });
        receiver.recv().map_err(|_| gone())?
    }
}

async fn get(store: &AmazonS3, path: &Path) -> io::Result<Option<Vec<u8>>> {
    match store.get(path).await {
        Ok(found) => Ok(Some(found.bytes().await?.to_vec())),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether the resource is kept; `false` if it exists with other bytes.
async fn keep(store: Arc<AmazonS3>, path: Path, bytes: Vec<u8>) -> io::Result<bool> {
    match get(&store, &path).await? {
        Some(found) => Ok(found == bytes),
        None => {
            store.put(&path, bytes.into()).await?;
            Ok(true)
        }
    }
}

/// A checkpoint that is to be put.
struct Next {
    size: u64,
    root: Sha256Digest,
    note: Vec<u8>,
}

/// What came of putting it.
enum Put {
    Done,
    Differs(StorageError),
}

/// Puts the checkpoint if what stands there lets it, and only in the place of what was read.
async fn replace(store: Arc<AmazonS3>, path: Path, next: Next) -> io::Result<Put> {
    let mut refused_condition = false;
    for _ in 0..COMPARISONS {
        let (there, mode) = match store.get(&path).await {
            Ok(found) => {
                let (e_tag, version) = (found.meta.e_tag.clone(), found.meta.version.clone());
                // A server that tells no version knows no conditions either.
                let mode = match e_tag {
                    Some(_) => PutMode::Update(UpdateVersion { e_tag, version }),
                    None => PutMode::Overwrite,
                };
                (Some(found.bytes().await?), mode)
            }
            Err(object_store::Error::NotFound { .. }) => (None, PutMode::Create),
            Err(error) => return Err(error.into()),
        };
        let stored = StoredCheckpoint { size: next.size, root: &next.root, note: &next.note };
        match stored.replaces(there.as_deref()) {
            Ok(true) => {}
            Ok(false) => return Ok(Put::Done),
            Err(differs) => return Ok(Put::Differs(differs)),
        }
        let mode = if refused_condition { PutMode::Overwrite } else { mode };
        match store.put_opts(&path, next.note.clone().into(), mode.into()).await {
            Ok(_) => return Ok(Put::Done),
            Err(object_store::Error::Precondition { .. } | object_store::Error::AlreadyExists { .. }) => {}
            // A server that knows no conditions and says so.
            Err(error) if !refused_condition && error.to_string().contains("NotImplemented") => {
                refused_condition = true;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other("others replace it all the time"))
}

impl Storage for Bucket {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let (store, at) = (Arc::clone(&self.store), self.path(path));
        self.wait(async move { get(&store, &at).await }).map_err(StorageError::read(path))
    }

    fn keep(&self, resources: &[Resource]) -> Result<(), StorageError> {
        let work: Vec<_> = resources
            .iter()
            .map(|resource| (resource.path.clone(), self.path(&resource.path), resource.bytes.clone()))
            .collect();
        let store = Arc::clone(&self.store);
        let differing = self.wait(async move {
            let mut kept = stream::iter(work)
                .map(|(name, path, bytes)| {
                    let store = Arc::clone(&store);
                    async move { keep(store, path, bytes).await.map(|same| (!same).then_some(name)) }
                })
                .buffer_unordered(AT_ONCE);
            while let Some(differs) = kept.try_next().await? {
                if differs.is_some() {
                    return Ok(differs);
                }
            }
            Ok(None)
        });
        match differing.map_err(StorageError::write("a tile"))? {
            Some(path) => Err(StorageError::Differs(path)),
            None => Ok(()),
        }
    }

    fn replace_checkpoint(&self, next: &StoredCheckpoint<'_>) -> Result<(), StorageError> {
        let (store, path) = (Arc::clone(&self.once), self.path(CHECKPOINT));
        let next = Next { size: next.size, root: *next.root, note: next.note.to_vec() };
        let put = self.wait(replace(store, path, next)).map_err(StorageError::write(CHECKPOINT))?;
        match put {
            Put::Done => Ok(()),
            Put::Differs(error) => Err(error),
        }
    }

    fn partial_forms(&self, path: &str) -> Vec<String> {
        let (store, name) = (Arc::clone(&self.store), format!("{path}.p"));
        let folder = self.path(&name);
        let listed = self.wait(async move {
            let found = store.list(Some(&folder)).map_ok(|found| found.location);
            Ok(found.try_collect::<Vec<_>>().await?)
        });
        let listed = listed.unwrap_or_else(|error| {
            tracing::debug!("partial forms of {path} are not listed: {error}");
            Vec::new()
        });
        listed.iter().filter_map(|found| Some(format!("{name}/{}", found.filename()?))).collect()
    }

    fn remove_partial(&self, paths: &[String]) {
        let store = Arc::clone(&self.store);
        let paths: Vec<_> = paths.iter().map(|path| Ok(self.path(path))).collect();
        let count = paths.len();
        let removed = self.wait(async move {
            let gone = store.delete_stream(stream::iter(paths).boxed());
            Ok(gone.try_for_each(|_| async { Ok(()) }).await?)
        });
        if let Err(error) = removed {
            tracing::debug!("{count} partial tiles stay: {error}");
        }
    }

    fn is_shared(&self) -> bool {
        true
    }
}
