package mongolog

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// storedKV is a value as MongoDB keeps it.
type storedKV struct {
	Key     string     `bson:"_id"`
	Value   []byte     `bson:"value"`
	Version int64      `bson:"version"`
	Expires *time.Time `bson:"expires,omitempty"`
}

func (s *storedKV) expired(now time.Time) bool { return s.Expires != nil && !s.Expires.After(now) }

// indexExpiry asks the server to delete what has expired. One that cannot is no harm: an expired value is never
// given out, and the next of its key replaces it.
func (l *Log) indexExpiry() {
	l.kv.Indexes().CreateOne(l.closing, mongo.IndexModel{
		Keys: bson.D{{Key: "expires", Value: 1}}, Options: options.Index().SetExpireAfterSeconds(60)})
}

// Get gives a value that has not expired.
func (l *Log) Get(ctx context.Context, key string) (core.KV, error) {
	s, err := l.get(ctx, key)
	if err != nil {
		return core.KV{}, err
	}
	now, err := l.Now(ctx)
	if err != nil {
		return core.KV{}, err
	}
	if s.expired(now) {
		return core.KV{}, errNoKey(key)
	}
	kv := core.KV{Key: key, Value: s.Value, Version: s.Version}
	if s.Expires != nil {
		kv.Expires = s.Expires.UTC()
	}
	return kv, nil
}

func (l *Log) get(ctx context.Context, key string) (storedKV, error) {
	var s storedKV
	if !utf8.ValidString(key) {
		return s, errNoKey(key)
	}
	call, cancel := limit(ctx)
	defer cancel()
	err := l.kv.FindOne(call, bson.D{{Key: "_id", Value: key}}).Decode(&s)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return s, errNoKey(key)
	}
	return s, l.translate(ctx, "read a key", err)
}

func errNoKey(key string) error {
	return core.Errorf(core.CodeNotFound, "the key %q is not there", key)
}

// Set creates or replaces a value.
func (l *Log) Set(ctx context.Context, kv core.KV) (version int64, err error) {
	if err := log.CheckKV(kv); err != nil {
		return 0, err
	}
	now, err := l.Now(ctx)
	if err != nil {
		return 0, err
	}
	if kv.Version == 0 {
		return l.create(ctx, kv, now)
	}
	return l.replace(ctx, kv, bson.D{
		{Key: "_id", Value: kv.Key},
		{Key: "version", Value: kv.Version},
		{Key: "$or", Value: bson.A{
			bson.D{{Key: "expires", Value: nil}},
			bson.D{{Key: "expires", Value: bson.D{{Key: "$gt", Value: now}}}},
		}},
	})
}

func (l *Log) create(ctx context.Context, kv core.KV, now time.Time) (int64, error) {
	next := storeKV(kv)
	call, cancel := limit(ctx)
	defer cancel()
	_, err := l.kv.InsertOne(call, next)
	if !mongo.IsDuplicateKeyError(err) {
		return next.Version, l.translate(ctx, "set a key", err)
	}
	old, err := l.get(ctx, kv.Key)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return 0, err
	}
	if err != nil || !old.expired(now) {
		return 0, errChanged(kv.Key)
	}
	kv.Version = old.Version // only so that the next one is higher
	return l.replace(ctx, kv, bson.D{{Key: "_id", Value: kv.Key}, {Key: "version", Value: old.Version}})
}

// replace replaces the value that a filter describes.
func (l *Log) replace(ctx context.Context, kv core.KV, filter bson.D) (int64, error) {
	next := storeKV(kv)
	call, cancel := limit(ctx)
	defer cancel()
	result, err := l.kv.ReplaceOne(call, filter, next)
	if err != nil {
		return 0, l.translate(ctx, "set a key", err)
	}
	if result.MatchedCount == 0 {
		return 0, errChanged(kv.Key)
	}
	return next.Version, nil
}

// storeKV writes a value down with the version after its own. The expiry is rounded up to what MongoDB keeps.
func storeKV(kv core.KV) storedKV {
	s := storedKV{Key: kv.Key, Value: append([]byte{}, kv.Value...), Version: log.NextVersion(kv.Version)}
	if !kv.Expires.IsZero() {
		at := kv.Expires.Add(time.Millisecond - 1).Truncate(time.Millisecond).UTC()
		s.Expires = &at
	}
	return s
}

func errChanged(key string) error {
	return core.Errorf(core.CodeConflict, "the key %q was changed by another: read it again", key)
}

// Delete removes a key; one that is not there is no error.
func (l *Log) Delete(ctx context.Context, key string) error {
	if !utf8.ValidString(key) {
		return nil
	}
	call, cancel := limit(ctx)
	defer cancel()
	_, err := l.kv.DeleteOne(call, bson.D{{Key: "_id", Value: key}})
	return l.translate(ctx, "delete a key", err)
}

// Keys lists keys by prefix.
func (l *Log) Keys(ctx context.Context, prefix string) ([]string, error) {
	if !utf8.ValidString(prefix) {
		return nil, nil
	}
	now, err := l.Now(ctx)
	if err != nil {
		return nil, err
	}
	call, cancel := limit(ctx)
	defer cancel()
	cursor, err := l.kv.Find(call, withPrefix(prefix),
		options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetProjection(bson.D{{Key: "expires", Value: 1}}))
	if err != nil {
		return nil, l.translate(ctx, "list keys", err)
	}
	defer cursor.Close(context.WithoutCancel(ctx))
	var keys []string
	for cursor.Next(call) {
		var s storedKV
		if err := cursor.Decode(&s); err != nil {
			return nil, l.translate(ctx, "list keys", err)
		}
		if !s.expired(now) {
			keys = append(keys, s.Key)
		}
	}
	return keys, l.translate(ctx, "list keys", cursor.Err())
}

// Weigh counts keys by prefix, in the server where it can do so.
func (l *Log) Weigh(ctx context.Context, prefix string) (core.Weight, error) {
	if !utf8.ValidString(prefix) {
		return core.Weight{}, nil
	}
	now, err := l.Now(ctx)
	if err != nil {
		return core.Weight{}, err
	}
	call, cancel := limit(ctx)
	defer cancel()
	w, err := l.weighThere(call, prefix, now)
	if refused := (mongo.CommandError{}); errors.As(err, &refused) && !isAway(err) && !isDenied(err) {
		w, err = l.weighHere(call, prefix, now) // some servers that speak MongoDB's protocol have not all of its operators
	}
	return w, l.translate(ctx, "weigh keys", err)
}

func (l *Log) weighThere(ctx context.Context, prefix string, now time.Time) (w core.Weight, err error) {
	alive := bson.D{{Key: "$or", Value: bson.A{
		bson.D{{Key: "expires", Value: nil}},
		bson.D{{Key: "expires", Value: bson.D{{Key: "$gt", Value: now}}}},
	}}}
	bytes := bson.D{{Key: "$add", Value: bson.A{bson.D{{Key: "$strLenBytes", Value: "$_id"}}, bson.D{{Key: "$binarySize", Value: "$value"}}}}}
	cursor, err := l.kv.Aggregate(ctx, mongo.Pipeline{
		{{Key: "$match", Value: append(withPrefix(prefix), alive...)}},
		{{Key: "$group", Value: bson.D{{Key: "_id", Value: nil}, {Key: "keys", Value: bson.D{{Key: "$sum", Value: 1}}}, {Key: "bytes", Value: bson.D{{Key: "$sum", Value: bytes}}}}}},
	})
	if err != nil {
		return w, err
	}
	defer cursor.Close(context.WithoutCancel(ctx))
	var sum struct {
		Keys  int64 `bson:"keys"`
		Bytes int64 `bson:"bytes"`
	}
	if cursor.Next(ctx) {
		err = cursor.Decode(&sum)
	}
	return core.Weight{Keys: sum.Keys, Bytes: sum.Bytes}, errors.Join(err, cursor.Err())
}

func (l *Log) weighHere(ctx context.Context, prefix string, now time.Time) (w core.Weight, err error) {
	cursor, err := l.kv.Find(ctx, withPrefix(prefix))
	if err != nil {
		return w, err
	}
	defer cursor.Close(context.WithoutCancel(ctx))
	for cursor.Next(ctx) {
		var s storedKV
		if err := cursor.Decode(&s); err != nil {
			return w, err
		}
		if !s.expired(now) {
			w.Keys++
			w.Bytes += int64(len(s.Key) + len(s.Value))
		}
	}
	return w, cursor.Err()
}

// withPrefix describes the keys from the prefix up to, not including, the next string that does not begin with it.
// MongoDB compares strings by bytes.
func withPrefix(prefix string) bson.D {
	if prefix == "" {
		return bson.D{}
	}
	within := bson.D{{Key: "$gte", Value: prefix}}
	if end := successor(prefix); end != "" {
		within = append(within, bson.E{Key: "$lt", Value: end})
	}
	return bson.D{{Key: "_id", Value: within}}
}

// successor gives the first string after all that begin with the prefix, "" for none.
func successor(prefix string) string {
	runes := []rune(prefix)
	for len(runes) > 0 {
		last := runes[len(runes)-1]
		runes = runes[:len(runes)-1]
		switch {
		case last == utf8.MaxRune:
			continue // the rune before must rise instead
		case last == 0xD7FF:
			last = 0xE000 // over the surrogates, which are no characters
		default:
			last++
		}
		return string(append(runes, last))
	}
	return ""
}
