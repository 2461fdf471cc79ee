package check
import "testing"
func TestZ(t *testing.T){ c:=catalogue(t); for _,r:=range c.Rules(){ a,_:=c.RunFixture(r,"fail"); b,_:=c.RunFixture(r,"unknown"); t.Logf("%s\n  F %s\n  U %s\n %v fast=%v,%v", r.ID(),a.Reason,b.Reason,a.Results, r.filter.fast!=nil,r.condition.fast!=nil)}}
