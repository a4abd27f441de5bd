"""The papers behind the formulas, by the way in which docstrings and catalogues cite them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A publication.

    Attributes:
        cites: the forms in which it is cited, such as "Yeom et al. 2018".
        authors: the authors, or the first ones.
        title: its title.
        where: where it appeared, with the year.
    """

    cites: tuple[str, ...]
    authors: str
    title: str
    where: str


_ALL = (
    ("Abadi et al. 2016", "Abadi et al.", "Deep learning with differential privacy", "ACM CCS 2016"),
    (
        "Agresti & Coull 1998",
        "Agresti & Coull",
        "Approximate is better than “exact” for interval estimation of binomial proportions",
        "The American Statistician 52, 1998",
    ),
    (
        "Balle & Wang 2018",
        "Balle & Wang",
        "Improving the Gaussian mechanism for differential privacy: analytical calibration and optimal denoising",
        "ICML 2018",
    ),
    (
        "Balle et al. 2020",
        "Balle, Barthe, Gaboardi, Hsu & Sato",
        "Hypothesis testing interpretations and Rényi differential privacy",
        "AISTATS 2020",
    ),
    (
        "Bertran et al. 2023",
        "Bertran et al.",
        "Scalable membership inference attacks via quantile regression",
        "NeurIPS 2023",
    ),
    ("Bishop 1995", "Bishop", "Training with noise is equivalent to Tikhonov regularization", "Neural Computation 7"),
    ("Bishop 2006", "Bishop", "Pattern recognition and machine learning", "Springer, 2006"),
    ("Brännvall 2026", "Brännvall", "BaVarIA", "arXiv 2603.11799"),
    (
        "Bu et al. 2022",
        "Bu, Mao & Xu",
        "Scalable and efficient training of large convolutional neural networks with differential privacy",
        "NeurIPS 2022",
    ),
    (
        "Carlini et al. 2022",
        "Carlini, Chien, Nasr, Song, Terzis & Tramèr",
        "Membership inference attacks from first principles",
        "IEEE Symposium on Security and Privacy 2022",
    ),
    (
        "Chen, Yu & Fritz 2022",
        "Chen, Yu & Fritz",
        "RelaxLoss: defending membership inference attacks without losing utility",
        "ICLR 2022",
    ),
    (
        "Cho et al. 2014",
        "Cho et al.",
        "Learning phrase representations using RNN encoder–decoder for statistical machine translation",
        "EMNLP 2014",
    ),
    (
        "Choquette-Choo et al. 2021",
        "Choquette-Choo, Tramèr, Carlini & Papernot",
        "Label-only membership inference attacks",
        "ICML 2021",
    ),
    (
        "Clopper & Pearson 1934",
        "Clopper & Pearson",
        "The use of confidence or fiducial limits illustrated in the case of the binomial",
        "Biometrika 26, 1934",
    ),
    (
        "Das, Zhang & Tramèr 2024",
        "Das, Zhang & Tramèr",
        "Blind baselines beat membership inference attacks for foundation models",
        "2024",
    ),
    (
        "DeVries & Taylor 2017",
        "DeVries & Taylor",
        "Improved regularization of convolutional neural networks with cutout",
        "2017",
    ),
    ("Dong, Roth & Su 2022", "Dong, Roth & Su", "Gaussian differential privacy", "JRSS B 84, 2022"),
    ("Elman 1990", "Elman", "Finding structure in time", "Cognitive Science 14, 1990"),
    ("Fisher 1935", "Fisher", "The design of experiments", "1935"),
    ("Goodfellow 2015", "Goodfellow", "Efficient per-example gradient computations", "2015"),
    (
        "Gopi, Lee & Wutschitz 2021",
        "Gopi, Lee & Wutschitz",
        "Numerical composition of differential privacy",
        "NeurIPS 2021",
    ),
    ("Guo et al. 2017", "Guo, Pleiss, Sun & Weinberger", "On calibration of modern neural networks", "ICML 2017"),
    ("He et al. 2016", "He, Zhang, Ren & Sun", "Deep residual learning for image recognition", "CVPR 2016"),
    (
        "Hinton, Vinyals & Dean 2015",
        "Hinton, Vinyals & Dean",
        "Distilling the knowledge in a neural network",
        "2015",
    ),
    ("Hochreiter & Schmidhuber 1997", "Hochreiter & Schmidhuber", "Long short-term memory", "Neural Computation 9"),
    (
        "Hoeffding 1956",
        "Hoeffding",
        "On the distribution of the number of successes in independent trials",
        "Annals of Mathematical Statistics 27, 1956",
    ),
    (
        "Jagielski, Ullman & Oprea 2020",
        "Jagielski, Ullman & Oprea",
        "Auditing differentially private machine learning: how private is private SGD?",
        "NeurIPS 2020",
    ),
    (
        "Jia et al. 2019",
        "Jia, Salem, Backes, Zhang & Gong",
        "MemGuard: defending against black-box membership inference attacks via adversarial examples",
        "ACM CCS 2019",
    ),
    (
        "Kairouz, Oh & Viswanath 2015",
        "Kairouz, Oh & Viswanath",
        "The composition theorem for differential privacy",
        "ICML 2015",
    ),
    (
        "Kaya et al. 2020; Kaya, Hong & Dumitras 2020",
        "Kaya, Hong & Dumitraș",
        "On the effectiveness of regularization against membership inference attacks",
        "2020",
    ),
    (
        "Kaya & Dumitras 2021; Kaya & Dumitraș 2021",
        "Kaya & Dumitraș",
        "When does data augmentation help with membership inference attacks?",
        "ICML 2021",
    ),
    ("Kingma & Ba 2015", "Kingma & Ba", "Adam: a method for stochastic optimization", "ICLR 2015"),
    ("Krogh & Hertz 1991", "Krogh & Hertz", "A simple weight decay can improve generalization", "NeurIPS 1991"),
    (
        "Lan & DeMets 1983",
        "Lan & DeMets",
        "Discrete sequential boundaries for clinical trials",
        "Biometrika 70, 1983",
    ),
    (
        "Li et al. 2022",
        "Li, Tramèr, Liang & Hashimoto",
        "Large language models can be strong differentially private learners",
        "ICLR 2022",
    ),
    ("Loshchilov & Hutter 2019", "Loshchilov & Hutter", "Decoupled weight decay regularization", "ICLR 2019"),
    (
        "Mann & Whitney 1947",
        "Mann & Whitney",
        "On a test of whether one of two random variables is stochastically larger than the other",
        "Annals of Mathematical Statistics 18, 1947",
    ),
    (
        "Mironov, Talwar & Zhang 2019",
        "Mironov, Talwar & Zhang",
        "Rényi differential privacy of the sampled Gaussian mechanism",
        "2019",
    ),
    (
        "Moosavi-Dezfooli et al. 2016",
        "Moosavi-Dezfooli, Fawzi & Frossard",
        "DeepFool: a simple and accurate method to fool deep neural networks",
        "CVPR 2016",
    ),
    ("Murphy 2007", "Murphy", "Conjugate Bayesian analysis of the Gaussian distribution", "2007"),
    (
        "Nasr et al. 2018; Nasr, Shokri & Houmansadr 2018",
        "Nasr, Shokri & Houmansadr",
        "Machine learning with membership privacy using adversarial regularization",
        "ACM CCS 2018",
    ),
    (
        "Nasr et al. 2019; Nasr, Shokri & Houmansadr 2019",
        "Nasr, Shokri & Houmansadr",
        "Comprehensive privacy analysis of deep learning",
        "IEEE Symposium on Security and Privacy 2019",
    ),
    (
        "Nasr et al. 2023",
        "Nasr et al.",
        "Tight auditing of differentially private machine learning",
        "USENIX Security 2023",
    ),
    (
        "Novak et al. 2018",
        "Novak, Bahri, Abolafia, Pennington & Sohl-Dickstein",
        "Sensitivity and generalization in neural networks: an empirical study",
        "ICLR 2018",
    ),
    (
        "Platt 1999",
        "Platt",
        "Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods",
        "1999",
    ),
    (
        "Salem et al. 2019",
        "Salem et al.",
        "ML-Leaks: model and data independent membership inference attacks and defenses on machine learning models",
        "NDSS 2019",
    ),
    (
        "Satopää et al. 2011",
        "Satopää, Albrecht, Irwin & Raghavan",
        "Finding a “kneedle” in a haystack: detecting knee points in system behavior",
        "ICDCS Workshops 2011",
    ),
    (
        "Shokri et al. 2017",
        "Shokri, Stronati, Song & Shmatikov",
        "Membership inference attacks against machine learning models",
        "IEEE Symposium on Security and Privacy 2017",
    ),
    (
        "Song & Mittal 2021",
        "Song & Mittal",
        "Systematic evaluation of privacy risks of machine learning models",
        "USENIX Security 2021",
    ),
    (
        "Spearman 1904",
        "Spearman",
        "The proof and measurement of association between two things",
        "American Journal of Psychology 15, 1904",
    ),
    (
        "Srivastava et al. 2014",
        "Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov",
        "Dropout: a simple way to prevent neural networks from overfitting",
        "JMLR 15, 2014",
    ),
    (
        "Steinke, Nasr & Jagielski 2023",
        "Steinke, Nasr & Jagielski",
        "Privacy auditing with one (1) training run",
        "NeurIPS 2023",
    ),
    (
        "Szegedy et al. 2016",
        "Szegedy, Vanhoucke, Ioffe, Shlens & Wojna",
        "Rethinking the Inception architecture for computer vision",
        "CVPR 2016",
    ),
    ("Tibshirani 1996", "Tibshirani", "Regression shrinkage and selection via the lasso", "JRSS B 58, 1996"),
    (
        "Tompson et al. 2015",
        "Tompson, Goroshin, Jain, LeCun & Bregler",
        "Efficient object localization using convolutional networks",
        "CVPR 2015",
    ),
    (
        "Tukey 1958",
        "Tukey",
        "Bias and confidence in not-quite large samples",
        "Annals of Mathematical Statistics 29, 1958",
    ),
    (
        "Wasserman & Zhou 2010",
        "Wasserman & Zhou",
        "A statistical framework for differential privacy",
        "JASA 105, 2010",
    ),
    (
        "Xie et al. 2016",
        "Xie, Wang, Wei, Wang & Tian",
        "DisturbLabel: regularizing CNN on the loss layer",
        "CVPR 2016",
    ),
    (
        "Yang, Gohari & Topcu 2022",
        "Yang, Gohari & Topcu",
        "On the privacy risks of deploying recurrent neural networks in machine learning models",
        "PoPETs 2023 (1)",
    ),
    (
        "Ye et al. 2022",
        "Ye, Maddi, Murakonda, Bindschaedler & Shokri",
        "Enhanced membership inference attacks against machine learning models",
        "ACM CCS 2022",
    ),
    (
        "Yeom et al. 2018",
        "Yeom, Giacomelli, Fredrikson & Jha",
        "Privacy risk in machine learning: analyzing the connection to overfitting",
        "IEEE Computer Security Foundations 2018",
    ),
    (
        "Zarifzadeh et al. 2024; Zarifzadeh, Liu & Shokri 2024",
        "Zarifzadeh, Liu & Shokri",
        "Low-cost high-power membership inference attacks",
        "ICML 2024",
    ),
    (
        "Zhang et al. 2018",
        "Zhang, Cisse, Dauphin & Lopez-Paz",
        "mixup: beyond empirical risk minimization",
        "ICLR 2018",
    ),
    (
        "Zhu, Dong & Wang 2022",
        "Zhu, Dong & Wang",
        "Optimal accounting of differential privacy via characteristic function",
        "AISTATS 2022",
    ),
)

REFERENCES: tuple[Reference, ...] = tuple(
    Reference(cites=tuple(cites.split("; ")), authors=authors, title=title, where=where)
    for cites, authors, title, where in _ALL
)
