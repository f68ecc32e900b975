{
  description = "Nivis: reproducible data-science experiments, every step a derivation";

  # No inputs: lib/ needs `builtins` only, and the toolchain comes from nivis.lock.
  outputs =
    { self }:
    let
      nivis = import ./lib;
      project = nivis.project { root = ./.; };
      inherit (project) system toolchain environment;

      # The part of the repository that the program consists of; editing the rest does not rebuild it.
      part = path: builtins.path { inherit path; name = baseNameOf path; filter = file: _: baseNameOf file != "__pycache__"; };
      program = nivis.application {
        inherit toolchain environment;
        name = "nivis";
        version = "0.1.0";
        packages = {
          "nivis" = part ./python/nivis;
          "nivis/share/lib" = part ./lib;
          "nivis/share/templates" = part ./templates;
        };
        entry = "nivis.cli.main:main";
      };
    in
    {
      lib = nivis;

      templates = {
        minimal = {
          path = ./templates/minimal;
          description = "One experiment with two steps and no dependencies";
        };
        pipeline = {
          path = ./templates/pipeline;
          description = "Published data, a model, metrics and figures";
        };
        polyglot = {
          path = ./templates/polyglot;
          description = "Python, R and C side by side, each from packages that are pinned";
        };
        notebook = {
          path = ./templates/notebook;
          description = "Notebooks that are executed with parameters, the executed copies as results";
        };
        default = self.templates.minimal;
      };

      packages.${system} = {
        nivis = program;
        default = program;
      };

      apps.${system}.default = {
        type = "app";
        program = "${program}/bin/nivis";
      };

      devShells.${system}.default = project.shell;

      checks.${system} = {
        inherit program;
        answers = derivation {
          name = "nivis-answers";
          inherit system;
          builder = toolchain.bash;
          PATH = toolchain.programs;
          args = [
            "-c"
            ''set -e; ${program}/bin/nivis --version >"$out"; grep -q 'nivis' "$out"; :''
          ];
        };
      };
    };
}
