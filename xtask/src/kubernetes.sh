# Builds kube-apiserver and kube-controller-manager from Debian's source package, in the folder it is started in: bin/ is what stays.
# $1: the version that is expected.
set -euo pipefail
export PATH=/usr/lib/go-1.19/bin:$PATH
export CGO_ENABLED=0 GOTOOLCHAIN=local GOPROXY=off GOSUMDB=off GOFLAGS= GOCACHE=$PWD/gocache GOTMPDIR=$PWD/gotmp

mkdir gotmp
# The machine's own sources, for source packages: beside its lists, which stay as they are.
mkdir -p apt/sources apt/lists/partial apt/cache/archives/partial
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  if [ -e "$file" ]; then sed -n 's/^deb /deb-src /p' "$file" >> apt/sources/sources.list; fi
done
for file in /etc/apt/sources.list.d/*.sources; do
  if [ -e "$file" ]; then sed 's/^Types:.*/Types: deb-src/' "$file" > "apt/sources/${file##*/}"; fi
done
source_apt() {
  apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$PWD/apt/sources" -o Dir::State::Lists="$PWD/apt/lists" \
    -o Dir::Cache="$PWD/apt/cache" -o APT::Sandbox::User=root "$@"
}
source_apt update
source_apt source --download-only kubernetes
case $(echo kubernetes_*.dsc) in
  *"really$1-"*) ;;
  *) echo "Debian has $(echo kubernetes_*.dsc), not $1" >&2; exit 1 ;;
esac
dpkg-source --no-check -x kubernetes_*.dsc kubernetes

# In the layout of a GOPATH: Go 1.19 finds this release's modules out of date.
mkdir -p go/src/k8s.io
mv kubernetes go/src/k8s.io/
export GOPATH=$PWD/go GO111MODULE=off
bin=$PWD/bin
cd go/src/k8s.io/kubernetes

# The vendored reflect2 1.0.1, built by Go 1.18 or later, ends the server when the first webhook answers with a patch.
rm -r vendor/github.com/modern-go/reflect2
cp -r /usr/share/gocode/src/github.com/modern-go/reflect2 vendor/github.com/modern-go/

# One generated file is not in the tarball; its generator is.
go build -o openapi-gen ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
# (vendor/k8s.io/* are links, which grep follows only where they are named.)
described=$(grep -rl --include='*.go' '+k8s:openapi-gen=' pkg cmd plugin vendor/k8s.io/*/ \
  | grep -v -e '/_' -e '^vendor/k8s.io/code-generator/' -e '^vendor/k8s.io/sample-apiserver/' -e /testdata/ \
  | xargs -n1 dirname | sed 's,//,/,g' | LC_ALL=C sort -u | sed 's,^,k8s.io/kubernetes/,' | paste -sd,)
./openapi-gen --logtostderr -i "$described" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
  -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r /dev/null
grep -q '"k8s.io/api/core/v1.Pod"' pkg/generated/openapi/zz_generated.openapi.go

# `--version` reads the first, GET /version the second.
link="-s -w -buildid="
for package in component-base/version client-go/pkg/version; do
  of=k8s.io/kubernetes/vendor/k8s.io/$package
  link="$link -X $of.gitVersion=v$1 -X $of.gitMajor=1 -X $of.gitMinor=20 -X $of.gitTreeState=clean"
done
mkdir "$bin"
# Without the clouds' libraries.
go build -trimpath -tags providerless -ldflags "$link" -o "$bin/" ./cmd/kube-apiserver ./cmd/kube-controller-manager
