//! A connection that hears what is published.

use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::{PubSub, PubSubSink, PubSubStream};

use crate::Result;
use crate::error::Error;
use crate::server::Redis;
use crate::stream::Stream;

/// Something that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub channel: String,
    /// What.
    pub payload: Vec<u8>,
}

/// A connection that hears what is published on its channels. After an error it is to be dropped.
pub struct Subscriber {
    redis: Redis,
    commands: PubSubSink,
    messages: PubSubStream,
    limit: Duration,
}

impl Subscriber {
    pub(crate) async fn over(
        redis: Redis,
        stream: Box<dyn Stream>,
        limit: Duration,
    ) -> Result<Self> {
        let connection = PubSub::new(redis.info(), stream)
            .await
            .map_err(|error| redis.failed(error))?;
        let (commands, messages) = connection.split();
        Ok(Self {
            redis,
            commands,
            messages,
            limit,
        })
    }

    /// Hears these channels, too, as soon as this returns.
    pub async fn subscribe(&mut self, channels: &[&str]) -> Result<()> {
        if channels.is_empty() {
            return Ok(());
        }
        let Self {
            redis, commands, ..
        } = self;
        let done = async {
            let done = commands.subscribe(channels).await;
            done.map_err(|error| redis.failed(error))
        };
        redis.within(self.limit, done).await
    }

    /// Hears these channels no more.
    pub async fn unsubscribe(&mut self, channels: &[&str]) -> Result<()> {
        if channels.is_empty() {
            return Ok(());
        }
        let Self {
            redis, commands, ..
        } = self;
        let done = async {
            let done = commands.unsubscribe(channels).await;
            done.map_err(|error| redis.failed(error))
        };
        redis.within(self.limit, done).await
    }

    /// Asks whether the server still answers: a connection that nothing travels on may be gone without a sign.
    pub async fn ping(&mut self) -> Result<()> {
        let Self {
            redis, commands, ..
        } = self;
        let answered = async {
            let answered = commands.ping::<redis::Value>().await;
            answered.map(drop).map_err(|error| redis.failed(error))
        };
        redis.within(self.limit, answered).await
    }

    /// The next message, however long it takes. May be given up at any time: no message is lost by that.
    ///
    /// # Errors
    /// When the connection is over.
    pub async fn next(&mut self) -> Result<Message> {
        match self.messages.next().await {
            Some(message) => Ok(Message {
                channel: message.get_channel_name().to_owned(),
                payload: message.get_payload_bytes().to_vec(),
            }),
            None => Err(Error::Closed {
                address: self.redis.address().to_owned(),
            }),
        }
    }
}
