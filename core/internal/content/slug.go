package content

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/folding"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// maxSlug is the most characters of a slug that is made from a text.
const maxSlug = 80

// Slugify makes a slug of a text: small letters, digits and single dashes, at most 80 characters, cut at a word.
// Accents go, œ becomes oe, and what parts words (an apostrophe, a middle dot) parts them still. It is "" for a
// text that has nothing of use.
func Slugify(text string) string {
	var b strings.Builder
	gap := false
	for _, r := range folding.Fold(text) {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteRune(r)
	}
	return cutAtWord(b.String(), maxSlug)
}

func cutAtWord(slug string, limit int) string {
	if len(slug) <= limit {
		return slug
	}
	if slug[limit] == '-' {
		return slug[:limit]
	}
	if dash := strings.LastIndexByte(slug[:limit], '-'); dash > 0 {
		return slug[:dash]
	}
	return slug[:limit]
}

// madeSlug is a slug that was made, and from what.
type madeSlug struct{ slug, from string }

// fillSlug makes the slug of a document that has none, and keeps it apart from those of other entries. Where hooks have
// changed what it was made from, it is made anew.
func (e *edit) fillSlug(ctx context.Context) error {
	if e.typ.SlugField == "" {
		return nil
	}
	from, has := e.slugSource(), slugOf(e.typ, e.after)
	if has != "" && (has != e.made.slug || from == e.made.from) {
		return nil
	}
	base := Slugify(from)
	if base == "" && !e.hooksRan {
		return nil // they may fill in what it is made from
	}
	if base == "" {
		base = string(e.id)
	}
	slug, err := e.freeSlug(ctx, base)
	if err != nil {
		return err
	}
	e.made = madeSlug{slug, from}
	jsondoc.Set(e.after, e.typ.SlugField, slug)
	if !slices.Contains(e.filled, e.typ.SlugField) {
		e.filled = append(e.filled, e.typ.SlugField)
	}
	return nil
}

func (e *edit) slugSource() string {
	v, _ := jsondoc.Lookup(e.after, e.typ.SlugFrom)
	text, _ := v.(string)
	return text
}

// freeSlug gives the slug itself, or with -2, -3… the first that is free. Where many are taken it goes on in doubling
// strides and halves its way back, so that ten thousand entries of one title do not cost fifty million questions.
func (e *edit) freeSlug(ctx context.Context, base string) (string, error) {
	taken, free := 1, 0
	for n, stride := 1, 1; free == 0; n += stride {
		ok, err := e.slugFree(ctx, numbered(base, n))
		if err != nil {
			return "", err
		}
		if ok {
			free = n
			break
		}
		if taken = n; n > 10 {
			stride *= 2
		}
	}
	for free-taken > 1 {
		middle := (free + taken) / 2
		ok, err := e.slugFree(ctx, numbered(base, middle))
		if err != nil {
			return "", err
		}
		if ok {
			free = middle
		} else {
			taken = middle
		}
	}
	return numbered(base, free), nil
}

func (e *edit) slugFree(ctx context.Context, slug string) (bool, error) {
	owner, err := e.world.owner(ctx, slugClaim(e.typ, slug))
	return owner == "" || owner == e.id, err
}

func numbered(base string, n int) string {
	if n == 1 {
		return base
	}
	tail := "-" + strconv.Itoa(n)
	return cutAtWord(base, maxSlug-len(tail)) + tail
}

// keepFormerSlug remembers the slug under which the public knew the entry, when a publication changes it or the entry is
// taken down: it may come back under another one.
func (b *batch) keepFormerSlug(t *core.Type, old, next *core.Entry) error {
	if t.SlugField == "" || old == nil || (old.Published == nil && next.Published == nil) {
		return nil
	}
	former, err := publicSlug(t, old)
	if err != nil {
		return err
	}
	current, err := publicSlug(t, next)
	if err != nil || former == current {
		return err
	}
	next.Slugs = slices.DeleteFunc(slices.Clone(next.Slugs), func(s string) bool { return s == former || s == current })
	if former != "" {
		next.Slugs = append(next.Slugs, former)
	}
	return nil
}

// publicSlug is the slug of what is published, "" when nothing is.
func publicSlug(t *core.Type, e *core.Entry) (string, error) {
	if e.Published == nil {
		return "", nil
	}
	doc, err := parse(e.Published)
	return slugOf(t, doc), err
}
