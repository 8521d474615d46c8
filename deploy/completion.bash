# bash completion of the DCM service provider's programs; loaded by the name of each.
complete -W '--help --version --check-config --health' api-svc kube-worker monitor
complete -W '--once --help --version --check-config --health' registrar
