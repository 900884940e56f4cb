package geo

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/paulmach/orb/maptile"

	"github.com/palabre-cms/palabre/core"
)

// tileCache keeps tiles until something that they show is changed. The response cache in front of it forgets a whole layer with
// each commit to its type; this one looks where the commit has touched, and draws no tile anew that it has not.
type tileCache struct {
	now func() time.Time
	ver func(core.TypeName) uint64

	mu    sync.Mutex
	most  int // bytes
	bytes int
	tiles map[string]*list.Element
	used  list.List // of *keptTile, the latest first
}

// keptTile is a tile, and what must not have happened since it was drawn.
type keptTile struct {
	key    string
	answer *core.Answer
	typ    *core.Type
	count  uint64    // of touches when it was drawn
	due    time.Time // when the next entry of its types was to change by itself
	others []otherType
	around core.BBox
}

type otherType struct {
	name    core.TypeName
	version uint64
}

func newTileCache(most int, now func() time.Time, ver func(core.TypeName) uint64) *tileCache {
	return &tileCache{now: now, ver: ver, most: most, tiles: map[string]*list.Element{}}
}

// perTile is about what a kept tile weighs beside its body.
const perTile = 512

// answer gives a tile that still stands, or draws it.
func (c *tileCache) answer(ctx context.Context, key string, p *core.Placed, at coordinates, draw func(context.Context) (*core.Answer, error)) (*core.Answer, error) {
	if key == "" {
		return draw(ctx)
	}
	if a := c.find(key, p); a != nil {
		return a, nil
	}
	around := surroundings(maptile.New(uint32(at.x), uint32(at.y), maptile.Zoom(at.z)))
	k := &keptTile{key: key, typ: p.Type, around: around, others: c.versions(p), due: p.Due()} // before it is drawn: what happens meanwhile counts
	_, k.count, _ = p.Touched(0)
	a, err := draw(ctx)
	if err != nil {
		return nil, err
	}
	k.answer = a
	c.keep(k)
	return a, nil
}

// versions are those of the types that a layer's filter or rights look into, other than its own.
func (c *tileCache) versions(p *core.Placed) []otherType {
	var others []otherType
	for _, name := range p.Types {
		if name != p.Type.Name {
			others = append(others, otherType{name, c.ver(name)})
		}
	}
	return others
}

func (c *tileCache) find(key string, p *core.Placed) *core.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.tiles[key]
	if !ok {
		return nil
	}
	k := e.Value.(*keptTile)
	if !c.stands(k, p) {
		c.drop(e)
		return nil
	}
	c.used.MoveToFront(e)
	return k.answer
}

func (c *tileCache) stands(k *keptTile, p *core.Placed) bool {
	if k.typ != p.Type || !p.Due().Equal(k.due) || !k.due.IsZero() && !c.now().Before(k.due) {
		return false
	}
	for _, o := range k.others {
		if c.ver(o.name) != o.version {
			return false
		}
	}
	boxes, now, ok := p.Touched(k.count)
	if !ok {
		return false
	}
	for _, b := range boxes {
		if (core.Place{Bounds: &b}).Touches(k.around) {
			return false
		}
	}
	k.count = now
	return true
}

func (c *tileCache) keep(k *keptTile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.tiles[k.key]; ok {
		c.drop(e)
	}
	c.tiles[k.key] = c.used.PushFront(k)
	for c.bytes += weigh(k); c.bytes > c.most; {
		c.drop(c.used.Back())
	}
}

func weigh(k *keptTile) int { return perTile + len(k.key) + len(k.answer.Body) }

func (c *tileCache) drop(e *list.Element) {
	k := c.used.Remove(e).(*keptTile)
	delete(c.tiles, k.key)
	c.bytes -= weigh(k)
}
