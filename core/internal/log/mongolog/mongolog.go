// Package mongolog is the log in a MongoDB database, for any number of nodes. It needs nothing of the server but
// the uniqueness of _id: no transactions, no counters, no locks.
//
// The collections:
//
//	log             a commit each: _id is its position, the documents in it are JSON text
//	kv              the key-value side: _id, value, version, expires
//	leases          _id, holder, token, expires
//	content_<type>  the mirror: the current state of each entry, for other programs to read (see Mirror)
//
// Commits are written with a majority and on disk, and only what a majority has is read, so that no node ever folds
// a commit that a change of the primary could take back. Change streams only wake up; where the server has none, the
// log is looked at every quarter of a second.
package mongolog

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

const (
	// selectTimeout is how long a call looks for a server before it says that the store is away.
	selectTimeout = 3 * time.Second
	// callTimeout is how long a call waits for the server's answer.
	callTimeout = 10 * time.Second
	// DefaultDatabase is used when Options name none.
	DefaultDatabase = "palabre"
)

// Options of a log.
type Options struct {
	URI      string // mongodb://… or mongodb+srv://…
	Database string // DefaultDatabase when empty
}

// Log keeps commits in MongoDB.
type Log struct {
	client  *mongo.Client
	db      *mongo.Database
	commits *mongo.Collection
	kv      *mongo.Collection
	leases  *mongo.Collection
	clock   clock
	tail    tail
	mirror  mirror

	closing    context.Context // done when Close begins
	close      context.CancelFunc
	background sync.WaitGroup
}

var (
	_ core.Log      = (*Log)(nil)
	_ core.Mirrorer = (*Log)(nil)
)

// Open makes ready to use a database. It does not wait for the server: that it is away shows at the first call, as
// CodeUnavailable, and passes by itself.
func Open(o Options) (*Log, error) {
	client, err := connect(o.URI)
	if err != nil {
		return nil, err
	}
	name := o.Database
	if name == "" {
		name = DefaultDatabase
	}
	db := client.Database(name)
	l := &Log{client: client, db: db, commits: db.Collection("log"), kv: db.Collection("kv"), leases: db.Collection("leases")}
	l.closing, l.close = context.WithCancel(context.Background())
	l.clock.ask = l.hello
	l.tail.init()
	l.background.Go(l.indexExpiry)
	return l, nil
}

// connect makes the client. An error never repeats the URI, which may hold a password.
func connect(uri string) (*mongo.Client, error) {
	o := options.Client().ApplyURI(uri).
		SetAppName("palabre").
		SetServerSelectionTimeout(selectTimeout).
		SetConnectTimeout(selectTimeout).
		SetCompressors([]string{"zstd", "snappy"}). // not zlib: its server side has leaked memory
		SetReadPreference(readpref.Primary()).
		SetReadConcern(readconcern.Majority()).
		SetWriteConcern(durable()).
		SetMonitor(sentMonitor())
	if o.Validate() != nil {
		return nil, core.Errorf(core.CodeInvalid, "the address of MongoDB cannot be read: it must have the form mongodb://user:password@host:27017/?options")
	}
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, core.Errorf(core.CodeInvalid, "the address or the options of MongoDB cannot be used: look at the credentials and TLS files it names")
	}
	return client, nil
}

func durable() *writeconcern.WriteConcern {
	journal := true
	return &writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journal}
}

// Now gives the server's clock. It asks the server now and then and counts on with the monotonic clock in between: the
// answer is right to half the time of a round trip and a few milliseconds of drift. While the store is away the last
// measure goes on counting.
func (l *Log) Now(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	now, fresh := l.clock.now()
	if fresh {
		return now, nil
	}
	if !now.IsZero() && l.closing.Err() == nil {
		l.clock.refresh(l.closing, &l.background)
		return now, nil
	}
	return l.measure(ctx)
}

// measure asks the server for its time.
func (l *Log) measure(ctx context.Context) (time.Time, error) {
	now, err := l.clock.measure(ctx)
	return now, l.translate(ctx, "ask for the time", err)
}

func (l *Log) hello(ctx context.Context) (time.Time, error) {
	ctx, cancel := limit(ctx)
	defer cancel()
	var answer struct {
		LocalTime time.Time `bson:"localTime"`
	}
	err := l.client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&answer)
	if err == nil && answer.LocalTime.IsZero() {
		err = errors.New("hello has no localTime")
	}
	return answer.LocalTime.UTC(), err
}

// Close ends what runs in the background and disconnects.
func (l *Log) Close() error {
	l.close()
	l.background.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := l.client.Disconnect(ctx)
	if errors.Is(err, mongo.ErrClientDisconnected) || errors.Is(err, context.DeadlineExceeded) {
		return nil // closed before, or with calls under way that have been cut off
	}
	return l.translate(ctx, "disconnect", err)
}

// limit bounds a call to the server.
func limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}
