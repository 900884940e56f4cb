package log

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
)

// origin is a commit's origin as it is written down. Once it is forgotten the digest is left.
type origin struct {
	*core.Origin
	Salt   string `json:"salt,omitempty"`
	Digest string `json:"digest"`
}

// encodeOrigin gives "" for a commit that came from nowhere.
func encodeOrigin(c *core.Commit) (string, error) {
	if c.Origin == nil && c.OriginDigest == "" {
		return "", nil
	}
	if o := c.Origin; o != nil && !(utf8.ValidString(o.Address) && utf8.ValidString(o.Agent) && utf8.ValidString(o.Request)) {
		return "", core.Errorf(core.CodeInternal, "the origin of commit %d is not UTF-8", c.Position)
	}
	if c.OriginDigest == "" {
		return "", core.Errorf(core.CodeInternal, "the origin of commit %d is not sealed", c.Position)
	}
	return string(encode(origin{c.Origin, c.OriginSalt, c.OriginDigest})), nil
}

func (r *Record) decodeOrigin(c *core.Commit) error {
	if r.Origin == "" {
		return nil
	}
	var o origin
	if err := json.Unmarshal([]byte(r.Origin), &o); err != nil {
		return err
	}
	if o.Origin == nil && o.Salt != "" { // all its parts were empty
		o.Origin = &core.Origin{}
	}
	c.Origin, c.OriginSalt, c.OriginDigest = o.Origin, o.Salt, o.Digest
	return nil
}

// Forget drops the record's origin: see core.Commit.Forget. It reports whether there was one.
func (r *Record) Forget() (had bool, err error) {
	c := core.Commit{Position: r.Position}
	if err := r.decodeOrigin(&c); err != nil {
		return false, r.damaged(err)
	}
	if c.Origin == nil {
		return false, nil
	}
	c.Forget()
	r.Origin, err = encodeOrigin(&c)
	return true, err
}
