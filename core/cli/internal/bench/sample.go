package bench

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
)

// sampled is what a walk through all pages has noted, to ask for later.
type sampled struct {
	ids   []string
	slugs []string
	deep  []string // the cursors of pages near the end
}

// keyed is a way to ask for single entries.
type keyed struct {
	name string
	keys []string
}

func (s *sampled) keys() []keyed { return []keyed{{byID, s.ids}, {bySlug, s.slugs}} }

// wantSampled is how many keys are enough, so that not all of what is asked for lies in some small cache.
const wantSampled = 10_000

// page is what is looked at of an answer.
type page struct {
	Data []struct {
		ID   string `json:"_id"`
		Slug string `json:"slug"`
	} `json:"data"`
	Page struct {
		Next string `json:"next"`
	} `json:"page"`
}

// sample walks through all that is published, in its usual order.
func (b *bench) sample(ctx context.Context, a *app.App) error {
	v := values("limit", "200", "fields", "slug")
	every := max(1, b.Entries/wantSampled)
	var cursors []string
	for n := 0; ; {
		p, err := readPage(ctx, a, v)
		if err != nil {
			return err
		}
		for _, e := range p.Data {
			if n++; n%every == 0 {
				b.ids, b.slugs = append(b.ids, e.ID), append(b.slugs, e.Slug)
			}
		}
		if p.Page.Next == "" {
			break
		}
		cursors = append(cursors, p.Page.Next)
		v.Set("after", p.Page.Next)
	}
	if len(b.ids) == 0 || len(cursors) == 0 {
		return errors.New("there are too few published entries of " + typ)
	}
	b.deep = slices.Clone(cursors[len(cursors)*9/10:])
	return nil
}

func readPage(ctx context.Context, a *app.App, v map[string][]string) (*page, error) {
	pending, err := a.Reader().List(ctx, core.Anonymous, typ, v)
	if err != nil {
		return nil, err
	}
	answer, err := pending.Answer(ctx)
	if err != nil {
		return nil, err
	}
	p := &page{}
	return p, json.Unmarshal(answer.Body, p)
}
