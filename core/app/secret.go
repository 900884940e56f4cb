package app

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/palabre-cms/palabre/core"
)

const secretBytes = 32

// sharedSecret gives a key that all nodes of a store share. It is made by the first node that asks. A copy in the
// data directory serves while the store is away; without one, a node that has never seen the store makes do with a
// key of its own.
func sharedSecret(log core.Log, dir, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	file := filepath.Join(dir, name)
	key, err := agreedSecret(ctx, log, "secret/"+name)
	if err == nil {
		return key, os.WriteFile(file, key, 0o600)
	}
	if core.CodeOf(err) != core.CodeUnavailable {
		return nil, err
	}
	kept, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || len(kept) != secretBytes {
		return newSecret()
	}
	return kept, err
}

func agreedSecret(ctx context.Context, log core.Log, key string) ([]byte, error) {
	if kv, err := log.Get(ctx, key); core.CodeOf(err) != core.CodeNotFound {
		return kv.Value, err
	}
	value, err := newSecret()
	if err != nil {
		return nil, err
	}
	_, err = log.Set(ctx, core.KV{Key: key, Value: value})
	if core.CodeOf(err) != core.CodeConflict {
		return value, err
	}
	kv, err := log.Get(ctx, key)
	return kv.Value, err
}

func newSecret() ([]byte, error) {
	key := make([]byte, secretBytes)
	_, err := rand.Read(key)
	return key, err
}
