package access

import (
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// knownToken is a token that was found.
type knownToken struct {
	principal *core.Principal
	expires   time.Time // zero for never
}

func (k *knownToken) expired(now time.Time) bool {
	return !k.expires.IsZero() && !now.Before(k.expires)
}

// tokenCache remembers tokens while no entry of _token has changed, so that a revocation holds at the next request.
// The zero tokenCache is ready.
type tokenCache struct {
	mu      sync.RWMutex
	version uint64
	byHash  map[string]*knownToken
}

func (c *tokenCache) get(hash string, version uint64) (*knownToken, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.version != version {
		return nil, false
	}
	k, ok := c.byHash[hash]
	return k, ok
}

// put remembers a token that was loaded at a version; what is known of an older version is forgotten.
func (c *tokenCache) put(hash string, version uint64, k *knownToken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byHash == nil || c.version < version {
		c.byHash, c.version = map[string]*knownToken{}, version
	}
	if c.version == version {
		c.byHash[hash] = k
	}
}
