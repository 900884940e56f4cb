package mongolog

import (
	"context"
	"errors"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Redact replaces the changes of a past commit.
func (l *Log) Redact(ctx context.Context, at core.Position, rewrite core.Rewrite) error {
	return l.rewrite(ctx, "redact the log", at, func(old *stored, r *log.Record) (same, set bson.D, err error) {
		did, err := r.Redact(rewrite)
		if !did || err != nil {
			return nil, nil, err
		}
		return bson.D{{Key: "changes", Value: old.Changes}}, bson.D{{Key: "changes", Value: r.Changes}, {Key: "digests", Value: r.Digests}}, nil
	})
}

// Forget drops the origin of a past commit.
func (l *Log) Forget(ctx context.Context, at core.Position) error {
	return l.rewrite(ctx, "forget an origin", at, func(old *stored, r *log.Record) (same, set bson.D, err error) {
		had, err := r.Forget()
		if !had || err != nil {
			return nil, nil, err
		}
		return bson.D{{Key: "origin", Value: old.Origin}}, bson.D{{Key: "origin", Value: r.Origin}}, nil
	})
}

// rewrite sets parts of a past commit. Each part is replaced by itself, and only as it was read, so that rewritings at
// once do not undo each other: one that has moved meanwhile is made again.
func (l *Log) rewrite(ctx context.Context, what string, at core.Position, f func(*stored, *log.Record) (same, set bson.D, err error)) error {
	for {
		old, err := l.one(ctx, what, at)
		if err != nil {
			return err
		}
		r := old.record()
		same, set, err := f(old, &r)
		if err != nil || set == nil {
			return err
		}
		done, err := l.set(ctx, what, at, same, set)
		if done || err != nil {
			return err
		}
	}
}

// one reads a commit; CodeNotFound where there is none.
func (l *Log) one(ctx context.Context, what string, at core.Position) (*stored, error) {
	var s stored
	call, cancel := limit(ctx)
	defer cancel()
	err := l.commits.FindOne(call, bson.D{{Key: "_id", Value: int64(at)}}).Decode(&s)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, core.Errorf(core.CodeNotFound, "the log has no commit %d", at)
	}
	if err != nil {
		return nil, l.translate(ctx, what, err)
	}
	return &s, s.readable()
}

// set replaces parts of a commit unless they have moved since they were read.
func (l *Log) set(ctx context.Context, what string, at core.Position, same, set bson.D) (done bool, err error) {
	call, cancel := limit(ctx)
	defer cancel()
	result, err := l.commits.UpdateOne(call, append(bson.D{{Key: "_id", Value: int64(at)}}, same...), bson.D{{Key: "$set", Value: set}})
	if err != nil {
		return false, l.translate(ctx, what, err)
	}
	return result.MatchedCount > 0, nil
}
