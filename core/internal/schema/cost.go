package schema

import "github.com/palabre-cms/palabre/core"

// maxCost is how many subschemas validation may walk through when every reference is written out in full.
const maxCost = 5_000

// expansion walks a tree as validation does, references written out, and stops where that becomes too much.
//
// A recursion is fine as long as each level of a document meets it once. A subschema that comes back to itself by
// two ways for the same part of a document doubles the work at each level, so it is refused.
type expansion struct {
	cost   int
	open   map[*node]bool
	budget bool // spent
	found  problems
}

// returns counts, for each part of a document below a subschema, how often validation comes back to an open subschema.
type returns map[comeback]int

type comeback struct {
	target *node
	part   string // the way down through the document: "items", "title"
}

// wayDown is how deep into a document the ways of a recursion are told apart.
const wayDown = 64

func (s *source) checkCost() problems {
	x := &expansion{open: map[*node]bool{}}
	x.walk(s.root)
	if x.budget {
		x.found.add("", "cost", say("Le schéma est trop coûteux à vérifier : plus de %d sous-schémas une fois les $ref développés.", "The schema costs too much to check: more than %d subschemas once its $refs are written out.", maxCost))
	}
	return x.found
}

func (x *expansion) walk(n *node) returns {
	if x.budget || n == nil {
		return nil
	}
	if x.open[n] {
		return returns{{n, ""}: 1}
	}
	if x.cost++; x.cost > maxCost {
		x.budget = true
		return nil
	}
	x.open[n] = true
	r := x.below(n)
	delete(x.open, n)
	x.judge(n, r)
	return r
}

// judge looks at the ways back to a subschema once it is closed again, and forgets them.
func (x *expansion) judge(n *node, r returns) {
	for way, times := range r {
		if way.target != n {
			continue
		}
		switch {
		case way.part == "":
			x.found.add(n.pointer, "recursion", sayLoop())
		case times > 1:
			x.found.add(n.pointer, "recursion", sayBranching())
		}
		delete(r, way)
	}
}

func sayLoop() core.Text {
	return say("Ce schéma renvoie à lui-même sans descendre dans le document.", "This schema refers to itself without going down into the document.")
}

func sayBranching() core.Text {
	return say("Ce schéma renvoie à lui-même par plusieurs chemins pour une même valeur : le travail double à chaque niveau. Gardez un seul $ref, ou distinguez les branches d’un oneOf par un const.",
		"This schema refers to itself in several ways for one value: the work doubles at each level. Keep one $ref, or tell the branches of a oneOf apart by a const.")
}

// below walks everything that a subschema applies.
func (x *expansion) below(n *node) returns {
	total := returns{}
	total.add(x.walk(n.ref))
	for _, key := range []string{"allOf", "anyOf"} {
		for _, part := range n.list[key] {
			total.add(x.walk(part))
		}
	}
	total.add(x.alternatives(n))
	for _, key := range []string{"not", "if", "then", "else"} {
		total.add(x.walk(n.one[key]))
	}
	for _, part := range n.named["dependentSchemas"] {
		total.add(x.walk(part))
	}
	total.add(x.members(n))
	total.add(x.items(n))
	x.walk(n.one["propertyNames"])
	return total
}

// alternatives walks a oneOf. Where a const tells its branches apart only one of them is ever looked at.
func (x *expansion) alternatives(n *node) returns {
	total := returns{}
	for _, branch := range n.list["oneOf"] {
		r := x.walk(branch)
		if n.blocks != nil {
			total.most(r)
		} else {
			total.add(r)
		}
	}
	return total
}

func (x *expansion) members(n *node) returns {
	total, anyName := returns{}, returns{}
	for _, p := range n.named["patternProperties"] {
		anyName.add(x.walk(p).under("*"))
	}
	anyName.add(x.walk(n.one["unevaluatedProperties"]).under("*"))
	for _, p := range n.named["properties"] {
		part := p.name
		if len(anyName) > 0 { // a name may match a pattern too
			part = "*"
		}
		total.add(x.walk(p).under(part))
	}
	total.add(anyName)
	total.add(x.walk(n.one["additionalProperties"]).under("+"))
	return total
}

func (x *expansion) items(n *node) returns {
	total := returns{}
	anyItem := x.walk(n.one["contains"]).under("[]")
	anyItem.add(x.walk(n.one["unevaluatedItems"]).under("[]"))
	for i, item := range n.list["prefixItems"] {
		part := "[" + number(i) + "]"
		if len(anyItem) > 0 {
			part = "[]"
		}
		total.add(x.walk(item).under(part))
	}
	total.add(anyItem)
	total.add(x.walk(n.one["items"]).under("[]"))
	return total
}

func (r returns) add(other returns) {
	for way, times := range other {
		r[way] += times
	}
}

func (r returns) most(other returns) {
	for way, times := range other {
		r[way] = max(r[way], times)
	}
}

// under says that the ways lead through a part of the document.
func (r returns) under(part string) returns {
	down := make(returns, len(r))
	for way, times := range r {
		if len(way.part) < wayDown {
			way.part = part + "/" + way.part
		}
		down[way] += times
	}
	return down
}

// width is the most subschemas that one value of a document meets at once: what each value costs at worst.
func (s *source) width() int {
	w := &widths{at: map[*node]int{}}
	widest := 1
	for _, n := range s.nodes {
		widest = max(widest, w.of(n))
	}
	return widest
}

type widths struct{ at map[*node]int }

func (w *widths) of(n *node) int {
	if n == nil {
		return 0
	}
	if known, ok := w.at[n]; ok {
		return known
	}
	w.at[n] = 1 // a loop was refused before
	sum := 1 + w.of(n.ref)
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		for _, part := range n.list[key] {
			sum += w.of(part)
		}
	}
	for _, key := range []string{"not", "if", "then", "else"} {
		sum += w.of(n.one[key])
	}
	for _, part := range n.named["dependentSchemas"] {
		sum += w.of(part)
	}
	w.at[n] = sum
	return sum
}
