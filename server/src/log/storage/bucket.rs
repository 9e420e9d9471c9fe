//! The log's resources in S3-compatible storage, shared by all servers of a registry.
//!
//! Conditional writes are not relied on, since some servers ignore them: one publisher at a time writes, fenced by the
//! database, and what exists is compared before anything is put in its place. Address and credentials come from the
//! environment (`AWS_ENDPOINT`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, …), never from input.

use super::{CHECKPOINT, Resource, Storage, StorageError};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    BackoffConfig, ClientConfigKey, ObjectStore, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
    path::Path,
};
use std::{
    fmt, io,
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

/// Requests under way at the same time.
const AT_ONCE: usize = 16;
/// Longest time of one request, and of all attempts together.
const REQUEST: &str = "10 seconds";
const ATTEMPTS: Duration = Duration::from_secs(30);
const RETRIES: usize = 4;

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
        let retry =
            RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES, retry_timeout: ATTEMPTS };
        let options = AmazonS3Builder::from_env()
            .with_url(url)
            .with_retry(retry)
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST)
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::ConnectTimeout), REQUEST);
        let store =
            options.build().map_err(|cause| BucketError::Configuration { url: url.to_owned(), cause })?;
        let prefix = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path);
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("bucket").enable_all().build();
        Ok(Self {
            store: Arc::new(store),
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

    fn replace_checkpoint(&self, note: &[u8]) -> Result<(), StorageError> {
        let (store, path, note) = (Arc::clone(&self.store), self.path(CHECKPOINT), note.to_vec());
        let put = async move { Ok(store.put(&path, note.into()).await.map(drop)?) };
        self.wait(put).map_err(StorageError::write(CHECKPOINT))
    }

    fn remove_partial(&self, path: &str) {
        let (store, folder) = (Arc::clone(&self.store), self.path(&format!("{path}.p")));
        let removed = self.wait(async move {
            let partial = store.list(Some(&folder)).map_ok(|found| found.location).boxed();
            Ok(store.delete_stream(partial).try_for_each(|_| async { Ok(()) }).await?)
        });
        if let Err(error) = removed {
            tracing::debug!("partial forms of {path} stay: {error}");
        }
    }

    fn is_shared(&self) -> bool {
        true
    }
}
