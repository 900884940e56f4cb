package mongolog

import (
	"context"
	"errors"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// storedLease is a lease as MongoDB keeps it. A released one has no holder and stays, for its token.
type storedLease struct {
	Name    string    `bson:"_id"`
	Holder  string    `bson:"holder"`
	Token   int64     `bson:"token"`
	Expires time.Time `bson:"expires"`
}

// Lease takes or renews a lease by compare-and-set. It asks the server for the time, so that nodes with clocks that
// differ agree on who holds it.
func (l *Log) Lease(ctx context.Context, name, holder string, ttl time.Duration) (token int64, err error) {
	if err := log.CheckLease(name, holder, ttl); err != nil {
		return 0, err
	}
	for range leaseAttempts {
		token, done, err := l.tryLease(ctx, name, holder, ttl)
		if done || err != nil {
			return token, err
		}
	}
	return 0, errHeld(name, "another")
}

// leaseAttempts is how often a lease is looked at again that somebody, perhaps the holder itself, changed meanwhile.
const leaseAttempts = 3

func (l *Log) tryLease(ctx context.Context, name, holder string, ttl time.Duration) (token int64, done bool, err error) {
	now, err := l.measure(ctx)
	if err != nil {
		return 0, false, err
	}
	old, err := l.lease(ctx, name)
	if err != nil {
		return 0, false, err
	}
	held := old.Expires.After(now)
	if held && old.Holder != holder {
		return 0, false, errHeld(name, old.Holder)
	}
	next := storedLease{Name: name, Holder: holder, Token: old.Token, Expires: now.Add(ttl + time.Millisecond - 1)}
	if !held {
		next.Token++
	}
	done, err = l.swapLease(ctx, old, next)
	return next.Token, done, err
}

// lease reads a lease; one that nobody has ever held has token 0.
func (l *Log) lease(ctx context.Context, name string) (storedLease, error) {
	var s storedLease
	call, cancel := limit(ctx)
	defer cancel()
	err := l.leases.FindOne(call, bson.D{{Key: "_id", Value: name}}).Decode(&s)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return s, nil
	}
	return s, l.translate(ctx, "read a lease", err)
}

// swapLease puts next where old is still as it was read, and reports whether it was.
func (l *Log) swapLease(ctx context.Context, old, next storedLease) (bool, error) {
	call, cancel := limit(ctx)
	defer cancel()
	if old.Token == 0 {
		_, err := l.leases.InsertOne(call, next)
		if mongo.IsDuplicateKeyError(err) {
			return false, nil
		}
		return err == nil, l.translate(ctx, "take a lease", err)
	}
	same := bson.D{{Key: "_id", Value: old.Name}, {Key: "token", Value: old.Token}, {Key: "holder", Value: old.Holder}, {Key: "expires", Value: old.Expires}}
	result, err := l.leases.ReplaceOne(call, same, next)
	if err != nil {
		return false, l.translate(ctx, "take a lease", err)
	}
	return result.MatchedCount > 0, nil
}

func errHeld(name, holder string) error {
	return core.Errorf(core.CodeConflict, "the lease %q is held by %s", name, holder)
}

// Release gives a lease back; its token is kept, so that the next one is higher.
func (l *Log) Release(ctx context.Context, name, holder string) error {
	call, cancel := limit(ctx)
	defer cancel()
	_, err := l.leases.UpdateOne(call, bson.D{{Key: "_id", Value: name}, {Key: "holder", Value: holder}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "holder", Value: ""}, {Key: "expires", Value: time.UnixMilli(0).UTC()}}}})
	return l.translate(ctx, "release a lease", err)
}
