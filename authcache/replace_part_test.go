package authcache

import (
	"errors"
	"slices"
	"testing"
)

// What could be read of a source is in force while the rest leaves a doubt.
func TestAPartOfASourceIsInForce(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	c.Expect("folder")
	mustReplace(t, c, "file", plain("f", "other", "p"))
	missing := errors.New("b.toml is broken")
	change, err := c.ReplacePart("folder", []Entry{plain("a", "known", "p")}, missing)
	if err != nil || change.String() != "+1 -0 ~0" {
		t.Fatalf("%v, %v", change, err)
	}
	expect(t, c, basic("known", "p"), Accepted, "a")
	expect(t, c, basic("other", "p"), Accepted, "f")
	expect(t, c, basic("unknown", "p"), Unready, "")
	status := c.Sources()[1]
	if status.Read || status.Err != missing || status.Credentials != 1 {
		t.Errorf("the folder is %+v", status)
	}
	mustReplace(t, c, "folder", plain("a", "known", "p"))
	expect(t, c, basic("unknown", "p"), Rejected, "")
}

func TestAPartIsHeldAsTheWholeIs(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	mustReplace(t, c, "folder", ofClients(1, 10)...)
	_, err := c.ReplacePart("folder", ofClients(1, 2), errors.New("b.toml is broken"), HoldRemovals)
	if !errors.Is(err, ErrHeld) || c.Len() != 10 {
		t.Fatalf("%v, %d credentials", err, c.Len())
	}
	if status := c.Sources()[0]; len(status.Held) != 8 || !errors.Is(status.Err, ErrHeld) {
		t.Errorf("the folder is %+v", status)
	}
}

// Whoever gives several files as one source learns which entries are in the way.
func TestAReplaceErrorNamesTheEntries(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	mustReplace(t, c, "file", plain("f", "taken", "p"))
	bad := plain("b", "colon:", "p")
	bad.Where = "b.toml: tenants[0]"
	_, err := c.Replace("folder", []Entry{plain("a", "good", "p"), bad, plain("b", "taken", "p"), plain("c", "good", "q")})
	refused, ok := errors.AsType[*ReplaceError](err)
	if !ok {
		t.Fatal(err)
	}
	var indices []int
	for _, problem := range refused.Problems {
		indices = append(indices, problem.Index)
	}
	if !slices.Equal(indices, []int{1, 2, 3}) || refused.Problems[0].Where != bad.Where {
		t.Errorf("problems %v", refused.Problems)
	}
}

func TestADroppedSourceTakesItsCredentialsAlong(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	mustReplace(t, c, "file", plain("a", "both", "p"))
	mustReplace(t, c, "folder", plain("a", "both", "p"), plain("b", "one", "p"))
	c.Failed("folder", errors.New("is away"))
	expect(t, c, basic("nobody", "p"), Unready, "")
	change := c.Drop("folder")
	if !slices.Equal(change.Removed, []string{"b/one"}) || len(change.Added)+len(change.Changed) > 0 {
		t.Errorf("%+v", change)
	}
	expect(t, c, basic("both", "p"), Accepted, "a")
	expect(t, c, basic("one", "p"), Rejected, "") // and not Unready: the doubt is gone with the source
	if all := c.Sources(); len(all) != 1 || all[0].Name != "file" {
		t.Errorf("sources %v", all)
	}
	if change := c.Drop("folder"); !change.Empty() {
		t.Errorf("dropped twice: %v", change)
	}
}
